import { resolve } from 'node:path';
import { RunRefused } from '../engine/context.ts';
import type { Event } from '../events/event.ts';
import { formatJunit } from '../render/records/junit.ts';
import { formatMetrics } from '../render/records/metrics.ts';
import { textWriter, type OutputStream } from '../render/output.ts';
import type { RecordFlags } from './options.ts';
import { collectorOf, sendTraces, type Collector } from './otlp.ts';
import { writeReport } from './report.ts';
import type { World } from './world.ts';
import { writeWhole } from './write-whole.ts';

type RecordWorld = Pick<World, 'cwd' | 'env'> & { readonly stderr: OutputStream };

/** What is kept of a run when it has ended, beside its journal: files, and a trace at a collector. */
export class Records {
  readonly #flags: RecordFlags;
  readonly #world: RecordWorld;
  readonly #collector: Collector | undefined;
  readonly #trouble: string | undefined;
  readonly #events: Event[] = [];

  /** @throws RunRefused for a flag's address that is none */
  constructor(flags: RecordFlags, world: RecordWorld) {
    this.#flags = flags;
    this.#world = world;
    try {
      this.#collector = collectorOf(flags.otlp, world.env);
    } catch (error) {
      // A variable of the machine's own must not keep a run from its work.
      if (flags.otlp !== undefined || !(error instanceof RunRefused)) throw error;
      this.#trouble = error.message;
    }
  }

  note(event: Event): void {
    const { report, junit, metrics } = this.#flags;
    if ([report, junit, metrics, this.#collector].some((wanted) => wanted !== undefined)) this.#events.push(event);
  }

  /** The run has its exit code by now: what cannot be written or sent is said, and changes nothing. */
  async write(): Promise<void> {
    const { report, junit, metrics } = this.#flags;
    const events = this.#events;
    const trouble = this.#trouble;
    if (trouble !== undefined) await this.#try(() => Promise.reject(new Error(trouble)));
    // Of files that were wrong there is nothing to tell.
    if (events.length === 0) return;
    const at = (file: string): string => resolve(this.#world.cwd, file);
    if (report !== undefined) await this.#try(() => writeReport(at(report), events));
    if (junit !== undefined)
      await this.#try(() => writeWhole(at(junit), formatJunit(events), { what: 'JUnit file', mode: 0o600 }));
    if (metrics !== undefined)
      // Its collector is another user.
      await this.#try(() => writeWhole(at(metrics), formatMetrics(events), { what: 'metrics file', mode: 0o644 }));
    const collector = this.#collector;
    if (collector !== undefined)
      await this.#try(() =>
        sendTraces(events, collector, this.#world.env).catch((error: unknown) => {
          throw new Error(`the trace was not taken by ${collector.url.origin}: ${reasonOf(error)}`);
        }),
      );
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      textWriter(this.#world.stderr)(`rollout: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
}

/** What `fetch` says stands in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'it did not answer in time';
  return error.cause instanceof Error ? error.cause.message : error.message;
}
