import { setMaxListeners } from 'node:events';
import type { Clock } from '../../model/clock.ts';
import { slept } from '../timing.ts';
import type { BackendServer, CheckAnswer } from './backend-server.ts';
import type { CheckPolicy, CheckResult } from './server-health.ts';

/** In how many groups an interval's checks are spread over it. */
const mostPhases = 50;

/** Checks every server for as long as the balancer lives. */
export class HealthChecks {
  readonly #clock: Clock;
  readonly #policy: CheckPolicy;
  readonly #stopped = new AbortController();

  constructor(servers: readonly BackendServer[], policy: CheckPolicy, clock: Clock) {
    this.#clock = clock;
    this.#policy = policy;
    setMaxListeners(0, this.#stopped.signal);
    const phases = Math.min(servers.length, mostPhases);
    for (let phase = 0; phase < phases; phase += 1) {
      const watched = servers.filter((_, index) => index % phases === phase);
      void this.#watch(watched, (policy.intervalMs * phase) / phases);
    }
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #watch(servers: readonly BackendServer[], firstDelayMs: number): Promise<void> {
    const silent = new Set<BackendServer['health']>();
    let delayMs = firstDelayMs;
    while (await slept(this.#clock, delayMs, this.#stopped.signal)) {
      for (const server of servers) {
        const { health } = server;
        if (!health.isChecked) continue;
        // A check that hears nothing is given up when the next one is due.
        if (silent.delete(health)) health.apply(this.#timedOut(), this.#clock.now());
        const answer = server.target.check();
        if (answer === 'silent') silent.add(health);
        else health.apply(resultOf(answer), this.#clock.now());
      }
      delayMs = this.#policy.intervalMs;
    }
  }

  #timedOut(): CheckResult {
    return { passed: false, code: 'L4TOUT', durationMs: this.#policy.intervalMs };
  }
}

function resultOf(answer: Exclude<CheckAnswer, 'silent'>): CheckResult {
  if (answer === 'refused') return { passed: false, code: 'L4CON', durationMs: 0 };
  // As `http-check expect status 200`.
  const passed = answer === 200;
  return { passed, code: passed ? 'L7OK' : 'L7STS', httpStatus: answer, durationMs: 0 };
}
