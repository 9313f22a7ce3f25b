import type { Clock } from '../../model/clock.ts';
import { slept, timestamp } from '../timing.ts';
import type { Json, JsonObject } from './spec.ts';

/** A healthcheck as `Config.Healthcheck` holds it; durations in nanoseconds, 0 or absent: docker's default. */
export interface Healthcheck {
  readonly Test: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly Retries?: number;
}

type Run = (argv: readonly string[], signal: AbortSignal) => Promise<{ exitCode: number; output: string }>;

const keptResults = 5;
const nanosecondsPerMs = 1e6;
const defaults = { intervalMs: 30_000, timeoutMs: 30_000, retries: 3 };

/** Runs a container's healthcheck for as long as its process lives. */
export class HealthMonitor {
  status: 'starting' | 'healthy' | 'unhealthy' = 'starting';
  readonly #check: Healthcheck;
  readonly #clock: Clock;
  readonly #run: Run;
  readonly #onChange: (status: string) => void;
  readonly #stopped = new AbortController();
  #failingStreak = 0;
  #isPaused = false;
  #results: readonly JsonObject[] = [];

  constructor(check: Healthcheck, clock: Clock, run: Run, onChange: (status: string) => void) {
    this.#check = check;
    this.#clock = clock;
    this.#run = run;
    this.#onChange = onChange;
    void this.#loop();
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** With its container: docker calls it unhealthy from then on, until the first check after that. */
  pause(): void {
    this.#isPaused = true;
    this.status = 'unhealthy';
  }

  unpause(): void {
    this.#isPaused = false;
  }

  document(): Json {
    return { Status: this.status, FailingStreak: this.#failingStreak, Log: this.#results };
  }

  async #loop(): Promise<void> {
    const startedAtMs = this.#clock.now();
    const intervalMs = inMs(this.#check.Interval, defaults.intervalMs);
    while (await slept(this.#clock, intervalMs, this.#stopped.signal)) {
      if (this.#rests()) continue;
      const beganMs = this.#clock.now();
      const { exitCode, output } = await this.#runOnce();
      if (this.#stopped.signal.aborted) return;
      if (this.#rests()) continue;
      this.#results = [
        ...this.#results.slice(1 - keptResults),
        { Start: timestamp(beganMs), End: timestamp(this.#clock.now()), ExitCode: exitCode, Output: output },
      ];
      this.#judge(exitCode === 0, beganMs - startedAtMs < inMs(this.#check.StartPeriod, 0));
    }
  }

  #rests(): boolean {
    return this.#isPaused;
  }

  async #runOnce(): Promise<{ exitCode: number; output: string }> {
    const timeoutMs = inMs(this.#check.Timeout, defaults.timeoutMs);
    const limit = new AbortController();
    const late = slept(this.#clock, timeoutMs, AbortSignal.any([limit.signal, this.#stopped.signal])).then(() => ({
      exitCode: -1,
      output: `Health check exceeded timeout (${timeoutMs / 1000}s)`,
    }));
    try {
      return await Promise.race([this.#run(testArgv(this.#check.Test), this.#stopped.signal), late]);
    } finally {
      limit.abort();
    }
  }

  /** Failures within the start period do not count until the first success. */
  #judge(passed: boolean, inStartPeriod: boolean): void {
    const before = this.status;
    if (passed) {
      this.#failingStreak = 0;
      this.status = 'healthy';
    } else if (!(inStartPeriod && this.status === 'starting')) {
      this.#failingStreak += 1;
      if (this.#failingStreak >= (this.#check.Retries ?? defaults.retries)) this.status = 'unhealthy';
    }
    if (this.status !== before) this.#onChange(this.status);
  }
}

/** Undefined where the container has none, or an inherited one is switched off. */
export function activeHealthcheck(config: JsonObject): Healthcheck | undefined {
  const check = config['Healthcheck'] as Healthcheck | undefined;
  return check === undefined || check.Test.length === 0 || check.Test[0] === 'NONE' ? undefined : check;
}

function testArgv(test: readonly string[]): readonly string[] {
  return test[0] === 'CMD-SHELL' ? ['sh', '-c', test.slice(1).join(' ')] : test.slice(1);
}

function inMs(nanoseconds: number | undefined, fallbackMs: number): number {
  return nanoseconds === undefined || nanoseconds === 0 ? fallbackMs : nanoseconds / nanosecondsPerMs;
}
