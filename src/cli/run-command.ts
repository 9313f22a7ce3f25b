import { RunRefused } from '../engine/context.ts';
import { run } from '../engine/run.ts';
import type { EventBody, Resumed } from '../events/event.ts';
import type { ImageRef } from '../model/image.ts';
import type { Plan } from '../plan/plan.ts';
import { formatPlan } from '../render/plan-text.ts';
import type { Ending } from '../plan/outcome.ts';
import { exitCodeOf } from './exit.ts';
import { recordExtraVars, resumeCommandOf } from '../api/extra-vars-record.ts';
import { redactError } from './redact-error.ts';
import { listenForSignals } from './signals.ts';
import { openRun, type RunSetup } from './open-run.ts';
import { playbookOptionsOf, type ConnectionOptions, type OutputOptions, type PlaybookOptions } from './options.ts';
import { askYesNo, isInteractive } from './prompt.ts';
import { planCommand } from './plan-command.ts';
import type { World } from './world.ts';

declare const __ROLLOUT_VERSION__: string;

export interface RunOptions extends PlaybookOptions, ConnectionOptions, OutputOptions {
  readonly check: boolean;
  readonly diff: boolean;
  readonly confirm: boolean;
  /** Milliseconds; 0: fail at once. */
  readonly lockTimeout: number;
}

/** `rollout run`: brings every host to what the playbook wants. @returns the exit code */
export async function runCommand(file: string, options: RunOptions, world: World): Promise<number> {
  if (options.check) return planCommand(file, { ...options, detailedExitcode: false }, world);
  return carryOut(file, options, world, { command: 'run', skipsCanary: () => false, pinned: new Map() });
}

/** What comes before the work, and decides how it goes. */
export interface Continuation {
  readonly command: 'run' | 'rollback' | 'resume';
  readonly rollbackTo?: 'parked' | 'composition';
  /** Plays whose canary has been judged already, or that need none. */
  readonly skipsCanary: (play: string) => boolean;
  /** Digests of an earlier run, by `name:tag`. */
  readonly pinned: ReadonlyMap<string, ImageRef>;
  /** What the runs before had done. */
  readonly resumed?: Resumed;
}

/** A run, a resumed run, or a rollback to a composition: the same story with another beginning. */
export async function carryOut(
  file: string,
  options: RunOptions,
  world: World,
  continuation: Continuation,
): Promise<number> {
  const { skipsCanary, resumed } = continuation;
  return conduct(file, options, world, continuation, (setup) =>
    run(
      {
        ...setup,
        skipsCanary,
        isFinished: (play, host) => resumed?.finished[play]?.includes(host) === true,
        lockTimeoutMs: options.lockTimeout,
        formatPlan: (plan) => formatPlan(plan, { diff: options.diff }),
        confirm: options.confirm ? (plan) => confirmPlan(plan, setup, world) : undefined,
        promote:
          isInteractive(world) && options.output !== 'json'
            ? (question) => askPerson(question, setup, world)
            : undefined,
        resumeCommand: resumeCommandOf(
          setup.context.run,
          recordExtraVars(options.extraVars, setup.context.run)?.given ?? [],
        ),
      },
      setup.context,
    ),
  );
}

/** From the first event to the last: whatever ends the work, the run is seen to end, and everything is closed. */
export async function conduct(
  file: string,
  options: PlaybookOptions & ConnectionOptions & OutputOptions,
  world: World,
  introduction: Omit<Continuation, 'skipsCanary'>,
  work: (setup: RunSetup) => Promise<Ending>,
): Promise<number> {
  const setup = await openRun(file, options, world, { pinned: introduction.pinned });
  const signals = listenForSignals(setup);
  try {
    setup.emit(startedEvent(introduction, file, options, setup, world));
    return (await work(setup)).exitCode;
  } catch (error) {
    const exitCode = exitCodeOf(error);
    const outcome = exitCode === 130 ? 'interrupted' : 'failed';
    const durationMs = world.clock.now() - setup.context.startedMs;
    setup.emit({ type: 'run_finished', outcome, exitCode, durationMs, hosts: untouchedHosts(setup) });
    throw redactError(error, setup.redactor);
  } finally {
    signals.close();
    await setup.close();
  }
}

/** A run that was refused has touched nothing. */
function untouchedHosts({ playbook }: RunSetup): Readonly<Record<string, { readonly result: 'untouched' }>> {
  const names = playbook.plays.flatMap(({ hosts }) => hosts.map(({ name }) => name));
  return Object.fromEntries(names.map((name) => [name, { result: 'untouched' }]));
}

/** How a run introduces itself; `resume` reads it back. */
function startedEvent(
  { command, rollbackTo, resumed }: Omit<Continuation, 'skipsCanary'>,
  playbook: string,
  options: PlaybookOptions,
  { playbook: { plays, composition }, holder, context }: RunSetup,
  world: World,
): EventBody {
  const extraVars = recordExtraVars(options.extraVars, context.run);
  return {
    type: 'run_started',
    command,
    playbook,
    version: __ROLLOUT_VERSION__,
    user: holder.user,
    cwd: world.cwd,
    options: { ...playbookOptionsOf(options) },
    ...(extraVars === undefined ? {} : { extraVars }),
    plays: plays.map(({ name, hosts }) => ({ play: name, hosts: hosts.map((host) => host.name) })),
    ...(composition === undefined ? {} : { composition: composition.name }),
    ...(rollbackTo === undefined ? {} : { rollbackTo }),
    ...(resumed === undefined ? {} : { resumed }),
  };
}

function askPerson(question: string, { ask, context }: RunSetup, world: World): Promise<boolean> {
  return ask(() => askYesNo(question, world, context.interrupt.soon));
}

async function confirmPlan(plan: Plan, setup: RunSetup, world: World): Promise<boolean> {
  if (!isInteractive(world)) throw new RunRefused(2, '--confirm asks on a terminal, and there is none');
  if (plan.plays.every(({ nodes }) => nodes.every(({ changes }) => changes.length === 0))) return true;
  return askPerson('Go ahead?', setup, world);
}
