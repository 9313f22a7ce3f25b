import pLimit from 'p-limit';
import type { RunHooks } from '../api/open.ts';
import type { Run, RunOutcome } from '../api/run.ts';
import type { Surroundings } from '../api/surroundings.ts';
import { takeSignals } from '../boot/early-signals.ts';
import type { Event } from '../events/event.ts';
import { ciSystemOf } from '../render/ci-log.ts';
import type { Renderer } from '../render/output.ts';
import { createRenderer } from '../render/renderer.ts';
import type { OutputOptions } from './options.ts';
import { askHidden, askYesNo, isInteractive } from './prompt.ts';
import { Records } from './records.ts';
import type { World } from './world.ts';

/** The terminal of a command that connects: it shows a run, asks, takes the signals, and writes the report. */
export class Stage {
  readonly #options: OutputOptions;
  readonly #world: World;
  readonly #oneAtATime = pLimit(1);
  readonly #records: Records;
  #renderer: Renderer | undefined;

  constructor(options: OutputOptions, world: World) {
    this.#options = options;
    this.#world = world;
    this.#records = new Records(options, world);
  }

  /** What a run is opened with, to be shown here. */
  get hooks(): RunHooks & Surroundings {
    const world = this.#world;
    const { env, cwd, homeDir, clock, random } = world;
    return {
      ...{ env, cwd, homeDir, clock, random },
      onEvent: (event) => this.#show(event),
      showsCommands: this.#options.verbose >= 3,
      askVaultPassword: () => askHidden('Vault password: ', world),
      ...(isInteractive(world) ? { askSecret: (question) => this.#ask(() => askHidden(question, world)) } : {}),
    };
  }

  /** Whether there is a person to ask. */
  get isInteractive(): boolean {
    return isInteractive(this.#world);
  }

  /** Asks the person at the terminal; a run that is asked to stop, or an answer from elsewhere, takes it for no. */
  askYesNo(question: string, run: Run, answered?: AbortSignal): Promise<boolean> {
    const signal = answered === undefined ? run.stopping : AbortSignal.any([run.stopping, answered]);
    return this.#ask(() => askYesNo(question, this.#world, signal));
  }

  /** A run from here to its end: signals stop it, and everything is closed whatever happens. @returns the exit code */
  async play(run: Run, work: (run: Run) => Promise<Pick<RunOutcome, 'exitCode'>>): Promise<number> {
    const giveBack = takeSignals((signal) => run.stop(signal));
    try {
      return (await work(run)).exitCode;
    } finally {
      giveBack();
      await run.close();
      this.#renderer?.close();
      await this.#records.write();
    }
  }

  /** Has the terminal to itself while it asks: the live view steps aside. */
  #ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    return this.#oneAtATime(async () => {
      const takeBack = this.#open().suspend();
      try {
        return await question();
      } finally {
        takeBack();
      }
    });
  }

  #show(event: Event): void {
    this.#records.note(event);
    this.#open().emit(event);
  }

  #open(): Renderer {
    const { output, color, verbose, quiet = false } = this.#options;
    const { stdout, clock, env } = this.#world;
    return (this.#renderer ??= createRenderer({
      output,
      stdout,
      clock,
      color: color && (env['NO_COLOR'] ?? '') === '',
      verbosity: verbose,
      quiet,
      term: env['TERM'],
      ci: ciSystemOf(env),
      atExit: (callback) => {
        process.on('exit', callback);
        return () => process.off('exit', callback);
      },
    }));
  }
}
