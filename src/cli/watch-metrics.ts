import { resolve } from 'node:path';
import type { RunHooks } from '../api/open.ts';
import type { WatchEvent } from '../events/watch-event.ts';
import { textWriter, type OutputStream } from '../render/output.ts';
import { WatchMetrics } from '../render/records/watch-metrics.ts';
import type { World } from './world.ts';
import { writeWhole } from './write-whole.ts';

/** The metrics of a watch, on disk after each look and each run. What cannot be written is said once, and stops nothing. */
export class MetricsFile {
  readonly #file: string;
  readonly #metrics: WatchMetrics;
  readonly #say: (text: string) => void;
  #said = '';
  #writing: Promise<void> = Promise.resolve();
  #isDue = false;

  constructor(playbook: string, file: string, world: Pick<World, 'cwd'> & { readonly stderr: OutputStream }) {
    this.#file = resolve(world.cwd, file);
    this.#metrics = new WatchMetrics(playbook);
    this.#say = textWriter(world.stderr);
  }

  /** When the file holds what was told. */
  get written(): Promise<void> {
    return this.#writing;
  }

  note(event: WatchEvent): void {
    if (this.#metrics.note(event)) this.#write();
  }

  noteLook(atMs: number, isGood: boolean): void {
    this.#metrics.noteCheck(atMs, isGood);
    this.#write();
  }

  /** The hooks of a run that is heard here as well. */
  hearing<Hooks extends RunHooks>(hooks: Hooks): Hooks {
    return {
      ...hooks,
      onEvent: (event) => {
        this.#metrics.noteRun(event);
        hooks.onEvent?.(event);
      },
    };
  }

  /** One after the other; what is told while one is written goes into the next. */
  #write(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#writing = this.#writing.then(async () => {
      this.#isDue = false;
      try {
        // Its collector is another user.
        await writeWhole(this.#file, this.#metrics.format(), { what: 'metrics file', mode: 0o644 });
        this.#said = '';
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (message !== this.#said) this.#say(`rollout: ${message}\n`);
        this.#said = message;
      }
    });
  }
}
