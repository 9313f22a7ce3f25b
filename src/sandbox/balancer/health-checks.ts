import type { Clock } from '../../model/clock.ts';
import { slept } from '../timing.ts';
import type { BackendServer } from './backend-server.ts';
import type { CheckPolicy, CheckResult, ServerHealth } from './server-health.ts';

/** Checks every server for as long as the balancer lives; their first checks are spread over one interval. */
export class HealthChecks {
  readonly #clock: Clock;
  readonly #policy: CheckPolicy;
  readonly #stopped = new AbortController();

  constructor(servers: readonly BackendServer[], policy: CheckPolicy, clock: Clock) {
    this.#clock = clock;
    this.#policy = policy;
    for (const [index, server] of servers.entries()) {
      void this.#watch(server, (policy.intervalMs * index) / servers.length);
    }
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #watch(server: BackendServer, firstDelayMs: number): Promise<void> {
    let delayMs = firstDelayMs;
    while (await slept(this.#clock, delayMs, this.#stopped.signal)) {
      const beganMs = this.#clock.now();
      const { health } = server;
      if (health.isChecked) {
        const result = await this.#check(server);
        // A reload or an operator may have come between.
        if (isStillChecked(server, health)) health.apply(result, this.#clock.now());
      }
      delayMs = Math.max(0, this.#policy.intervalMs - (this.#clock.now() - beganMs));
    }
  }

  async #check(server: BackendServer): Promise<CheckResult> {
    const beganMs = this.#clock.now();
    const ended = new AbortController();
    const durationMs = () => this.#clock.now() - beganMs;
    const late = slept(this.#clock, this.#policy.intervalMs, ended.signal).then((): CheckResult => ({
      passed: false,
      code: 'L4TOUT',
      durationMs: durationMs(),
    }));
    const answered = server.target.check().then(
      (httpStatus): CheckResult => {
        const passed = httpStatus >= 200 && httpStatus < 400;
        return { passed, code: passed ? 'L7OK' : 'L7STS', httpStatus, durationMs: durationMs() };
      },
      (): CheckResult => ({ passed: false, code: 'L4CON', durationMs: durationMs() }),
    );
    try {
      return await Promise.race([answered, late]);
    } finally {
      ended.abort();
    }
  }
}

const isStillChecked = (server: BackendServer, health: ServerHealth): boolean =>
  server.health === health && health.isChecked;
