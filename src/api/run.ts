import { resolve } from 'node:path';
import { pausedEvent, planOnly, planRollbackOnly, rollBackParked, run, type RunInput } from '../engine/run.ts';
import { Interrupted } from '../engine/interrupt.ts';
import { CannotUndo } from '../engine/rollback.ts';
import type { EventBody, Outcome, RunHosts } from '../events/event.ts';
import type { Plan } from '../plan/plan.ts';
import { formatPlan } from '../render/plan-text.ts';
import type { SteerReply, SteerRequest } from '../store/control/protocol.ts';
import { exitCodes } from '../events/exit-code.ts';
import { journalDir } from '../store/journal.ts';
import { fromTheStart, type Continuation } from './continuation.ts';
import { withWaysBack } from './earlier-runs.ts';
import { reasonOf } from './reason.ts';
import { exitCodeOf } from './exit-code-of.ts';
import { recordExtraVars } from './extra-vars-record.ts';
import { givenReason } from './given-reason.ts';
import { originOf } from './origin.ts';
import { open, type OpenedRun, type RunHooks } from './open.ts';
import { defaultOptions, given, playbookOptionsOf, type ConnectionOptions, type PlaybookOptions } from './options.ts';
import { redactError } from './redact-error.ts';
import { steerings, stopWords } from './steerings.ts';
import { systemSurroundings, type Surroundings } from './surroundings.ts';
import { beginInTime, timingOf, timingRecord, timingWarning, type Timing, type TimingOptions } from './timing.ts';

declare const __ROLLOUT_VERSION__: string;

/** What a run is opened with. Everything but the playbook has a default: the flag's of the same name. */
export interface RunOptions
  extends Partial<PlaybookOptions>, Partial<ConnectionOptions>, Partial<Surroundings>, RunHooks, TimingOptions {
  /** The canary, stages and zones in their order, without any bake; the reason is kept in the journal. */
  readonly noBake?: { readonly reason: string };
}

/** How a run goes, beside what its files say. */
export interface StartOptions {
  /** Asked after the plan, before anything is touched; without it the run goes ahead. */
  readonly confirm?: (plan: Plan) => Promise<boolean>;
  /** Asks whether a canary that passed is good (`promote: manual`); without it the run pauses there. `answered`: it need not be
   * answered any more, as somebody has promoted it elsewhere. */
  readonly promote?: (question: string, answered: AbortSignal) => Promise<boolean>;
  /** Shows every difference in the plan's text. */
  readonly diff?: boolean;
}

/** How a run ended. */
export interface RunOutcome {
  readonly outcome: Outcome;
  /** What the command line tool would end with. */
  readonly exitCode: number;
  readonly hosts: RunHosts;
}

/**
 * Opens a run of a playbook: reads its files, connects to nothing. Nothing of it is global: any number of runs may be
 * open in one process, on different hosts.
 * @throws ConfigError with every problem of the files.
 */
export function openRun(playbook: string, options: RunOptions = {}): Promise<Run> {
  return Run.open(playbook, options, fromTheStart);
}

/** One run, from its files to its end. */
export class Run {
  readonly #file: string;
  readonly #options: PlaybookOptions & ConnectionOptions;
  readonly #cwd: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #opened: OpenedRun;
  readonly #continuation: Continuation;
  readonly #noBake: { readonly reason: string } | undefined;
  readonly #timing: Timing;

  private constructor(parts: {
    file: string;
    options: PlaybookOptions & ConnectionOptions;
    cwd: string;
    env: NodeJS.ProcessEnv;
    opened: OpenedRun;
    continuation: Continuation;
    noBake: { readonly reason: string } | undefined;
    timing: Timing;
  }) {
    this.#file = parts.file;
    this.#options = parts.options;
    this.#cwd = parts.cwd;
    this.#env = parts.env;
    this.#opened = parts.opened;
    this.#continuation = parts.continuation;
    this.#noBake = parts.noBake;
    this.#timing = parts.timing;
  }

  static async open(file: string, options: RunOptions, continuation: Continuation): Promise<Run> {
    const surroundings = { ...systemSurroundings(), ...given(options) };
    const all = { ...defaultOptions, ...given(options) };
    const opened = await open(file, all, surroundings, options, continuation.images);
    return new Run({
      file,
      options: all,
      cwd: surroundings.cwd,
      env: surroundings.env,
      opened,
      continuation,
      noBake: options.noBake && givenReason('--no-bake', options.noBake),
      timing: timingOf(options, opened.playbook.timetable),
    });
  }

  /** As in its events and its journal. */
  get id(): string {
    return this.#opened.context.run;
  }

  /** The hosts of each play, in the order of the inventory. */
  get plays(): readonly { readonly play: string; readonly hosts: readonly string[] }[] {
    return this.#opened.playbook.plays.map(({ name, hosts }) => ({
      play: name,
      hosts: hosts.map((host) => host.name),
    }));
  }

  /** The name of the composition that it deploys; undefined where there is none. */
  get composition(): string | undefined {
    return this.#opened.playbook.composition?.name;
  }

  /** Text without what must not be shown. */
  redact(text: string): string {
    return this.#opened.redactor.redact(text);
  }

  /** What would be done: real reads, no writes, no journal. @throws RunRefused, ConfigError */
  async plan(): Promise<Plan> {
    this.#warn();
    const { emit, context } = this.#opened;
    const notNow = timingWarning(this.#timing, context.clock.now());
    if (notNow !== undefined) emit({ type: 'warning', message: notNow });
    try {
      return await planOnly(this.#opened, this.#opened.context);
    } catch (error) {
      throw redactError(error, this.#opened.redactor);
    }
  }

  /** What a rollback to the parked containers would do, in words: real reads, no writes, no journal. */
  async planRollback(): Promise<{ readonly plan: Plan; readonly text: string }> {
    this.#warn();
    try {
      const input = { ...this.#opened, undo: this.#continuation.undo, formatPlan: (plan: Plan) => formatPlan(plan) };
      return await planRollbackOnly(input, this.#opened.context);
    } catch (error) {
      throw redactError(await this.#withWaysBack(error), this.#opened.redactor);
    }
  }

  /**
   * Does it, from preflight to the last node; its events end with `run_finished`, whatever ends it.
   * @throws RunRefused, ConfigError, Interrupted when nothing was touched
   */
  async start(how: StartOptions = {}): Promise<RunOutcome> {
    const { emit, context, redactor } = this.#opened;
    this.#opened.startJournal();
    this.#warn();
    emit(await this.#startedEvent());
    await this.#opened.listen((request) => this.steer(request));
    try {
      beginInTime(this.#timing, this.#continuation.pace === 'direct', context);
      return await this.#work(how);
    } catch (error) {
      const exitCode = exitCodeOf(error);
      const outcome = outcomeOf(exitCode);
      if (error instanceof Interrupted && error.wish === 'pause')
        emit(pausedEvent(context.interrupt.pauseReason, context));
      const durationMs = context.clock.now() - context.startedMs;
      const hosts = this.#untouchedHosts();
      emit({ type: 'run_finished', outcome, exitCode, durationMs, hosts, error: reasonOf(error) });
      throw redactError(error, redactor);
    }
  }

  /**
   * Stops it: no further node starts, those under way are finished or put back. A second time it stops at once, and the
   * next run fixes what is left half way. After its end it does nothing.
   * @param by what asks for it, for the warning that says so
   */
  stop(by: string): void {
    const { interrupt } = this.#opened.context;
    if (interrupt.isOver) return;
    const isAgain = interrupt.isRequested && !interrupt.isPause;
    interrupt.request();
    this.#opened.emit({ type: 'warning', message: `${by}${isAgain ? ' again' : ''}: ${stopWords(isAgain)}` });
  }

  /** As {@link stop}, promotes what holds, or pauses: for whoever is not at its terminal. It says what follows, and in its events too. */
  steer({ do: steering, by }: SteerRequest): SteerReply {
    const reply = steerings[steering](this.#opened, by);
    if (reply.ok) this.#opened.emit({ type: 'run_steered', steering, by, message: reply.message });
    return reply;
  }

  /** Aborted when somebody has asked it to stop. */
  get stopping(): AbortSignal {
    return this.#opened.context.interrupt.soon;
  }

  /** Every connection and the journal. */
  close(): Promise<void> {
    return this.#opened.close();
  }

  /** What is odd in its files, and no mistake. */
  #warn(): void {
    const { playbook, emit } = this.#opened;
    const { notice } = this.#continuation;
    if (notice !== undefined) emit({ type: 'warning', message: notice });
    for (const { file, line, message } of playbook.warnings) {
      emit({ type: 'warning', message: `${file}:${line}: ${message}` });
    }
  }

  #work(how: StartOptions): Promise<RunOutcome> {
    const opened = this.#opened;
    const { rollbackTo, pace, resumed } = this.#continuation;
    const lockTimeoutMs = this.#options.lockTimeout;
    const shown = { formatPlan: (plan: Plan) => formatPlan(plan, { diff: how.diff === true }), confirm: how.confirm };
    if (rollbackTo === 'parked') {
      const input = { ...opened, ...shown, lockTimeoutMs, undo: this.#continuation.undo };
      return rollBackParked(input, opened.context).catch(async (error: unknown) => {
        throw await this.#withWaysBack(error);
      });
    }
    const input: RunInput = {
      ...opened,
      ...shown,
      lockTimeoutMs,
      pace: pace === 'careful' && this.#noBake !== undefined ? 'unbaked' : pace,
      noBakeReason: this.#noBake?.reason,
      isJudged: (play, wave) => resumed?.baked?.[play]?.includes(wave) === true,
      isFinished: (play, host) => resumed?.finished[play]?.includes(host) === true,
      promote: how.promote,
    };
    return run(input, {
      ...opened.context,
      ...(resumed === undefined ? {} : { release: resumed.first ?? resumed.run }),
    });
  }

  /** What cannot be undone, with the earlier runs that can be gone back to. */
  async #withWaysBack(error: unknown): Promise<unknown> {
    if (!(error instanceof CannotUndo)) return error;
    const dir = journalDir(this.#env, this.#cwd);
    return withWaysBack(error, { dir, playbook: this.#file, cwd: this.#cwd });
  }

  /** How it introduces itself; `resume` reads it back. */
  async #startedEvent(): Promise<EventBody> {
    const { command, rollbackTo, toRun, resumed } = this.#continuation;
    const { playbook, holder } = this.#opened;
    const extraVars = await (this.#opened.extraVars ?? recordExtraVars(this.#options.extraVars, this.id));
    return {
      type: 'run_started',
      command,
      playbook: this.#file,
      version: __ROLLOUT_VERSION__,
      user: holder.user,
      controller: holder.controller,
      ...originOf(resolve(this.#cwd, this.#file), this.#env),
      ...(playbook.composition?.source === undefined ? {} : { source: playbook.composition.source }),
      cwd: this.#cwd,
      options: { ...playbookOptionsOf(this.#options) },
      ...(extraVars === undefined ? {} : { extraVars }),
      plays: this.plays,
      ...(playbook.composition === undefined ? {} : { composition: playbook.composition.name }),
      ...(rollbackTo === undefined ? {} : { rollbackTo }),
      ...(toRun === undefined ? {} : { toRun }),
      ...(this.#noBake === undefined ? {} : { noBake: this.#noBake }),
      ...timingRecord(this.#timing),
      ...(resumed === undefined ? {} : { resumed }),
    };
  }

  /** A run that was refused has touched nothing. */
  #untouchedHosts(): RunHosts {
    const names = this.plays.flatMap(({ hosts }) => hosts);
    return Object.fromEntries(names.map((name) => [name, { result: 'untouched' }]));
  }
}

function outcomeOf(exitCode: number): Outcome {
  if (exitCode === exitCodes.interrupted) return 'interrupted';
  return exitCode === exitCodes.paused ? 'paused' : 'failed';
}
