import { planOnly } from '../engine/run.ts';
import { isUnchanged } from '../plan/reconcile.ts';
import { formatPlan } from '../render/plan-text.ts';
import { openRun } from './open-run.ts';
import type { ConnectionOptions, OutputOptions, PlaybookOptions } from './options.ts';
import { listenForSignals } from './signals.ts';
import { redactError } from './redact-error.ts';
import type { World } from './world.ts';

export interface PlanOptions extends PlaybookOptions, ConnectionOptions, OutputOptions {
  readonly detailedExitcode: boolean;
}

/** `rollout plan`: real reads, no writes. @returns the exit code: 10 with `--detailed-exitcode` and changes */
export async function planCommand(file: string, options: PlanOptions, world: World): Promise<number> {
  const setup = await openRun(file, options, world, { journal: false });
  const signals = listenForSignals(setup);
  try {
    const plan = await planOnly(setup, setup.context);
    const text = options.output === 'json' ? JSON.stringify(plan) : formatPlan(plan);
    // A container that somebody else made may show a secret that rollout knows.
    world.stdout.write(setup.redactor.redact(text.endsWith('\n') ? text : `${text}\n`));
    const isChange = plan.plays.some(({ nodes }) => nodes.some((node) => !isUnchanged(node)));
    return isChange && options.detailedExitcode ? 10 : 0;
  } catch (error) {
    throw redactError(error, setup.redactor);
  } finally {
    signals.close();
    await setup.close();
  }
}
