import type { RunHooks } from '../api/open.ts';
import type { Run } from '../api/run.ts';
import type { Surroundings } from '../api/surroundings.ts';
import { RunRefused } from '../engine/context.ts';
import { exitCodes } from '../events/exit-code.ts';
import { changesOf, type Plan } from '../plan/plan.ts';
import type { OutputOptions } from './options.ts';
import { Stage } from './stage.ts';
import type { World } from './world.ts';

/** What a command that changes hosts may be told about how it goes. */
export interface PerformFlags extends OutputOptions {
  readonly confirm?: boolean;
  readonly diff?: boolean;
}

/** Opens a run and shows it up to its end, with the questions that it has. @returns the exit code */
export async function perform(
  open: (hooks: RunHooks & Surroundings) => Promise<Run>,
  flags: PerformFlags,
  world: World,
): Promise<number> {
  const stage = new Stage(flags, world);
  const canPromote = stage.isInteractive && flags.output !== 'json';
  return stage.play(await open({ ...stage.hooks, isToStart: true }), (run) =>
    run.start({
      diff: flags.diff === true,
      ...(flags.confirm === true ? { confirm: (plan) => confirmPlan(plan, stage, run) } : {}),
      ...(canPromote ? { promote: (question, answered) => stage.askYesNo(question, run, answered) } : {}),
    }),
  );
}

function confirmPlan(plan: Plan, stage: Stage, run: Run): Promise<boolean> {
  if (!stage.isInteractive) throw new RunRefused(exitCodes.usage, '--confirm asks on a terminal, and there is none');
  return changesOf(plan) === 0 ? Promise.resolve(true) : stage.askYesNo('Go ahead?', run);
}
