import type { Command } from 'commander';
import type { RunHooks } from '../api/open.ts';
import type { ConnectionOptions, PlaybookOptions } from '../api/options.ts';
import type { Run } from '../api/run.ts';
import type { Surroundings } from '../api/surroundings.ts';
import { exitCodes } from '../events/exit-code.ts';
import {
  addConnectionOptions,
  addOutputOptions,
  addPlaybookOptions,
  addPushOption,
  type OutputOptions,
} from './options.ts';
import { systemWorld, type World } from './world.ts';

interface PlanFlags extends PlaybookOptions, Omit<ConnectionOptions, 'lockTimeout'>, OutputOptions {
  readonly detailedExitcode: boolean;
}

export function registerPlan(program: Command): void {
  const command = program.command('plan').argument('<playbook>', 'the playbook to plan');
  addOutputOptions(addConnectionOptions(addPushOption(addPlaybookOptions(command))))
    .description('what a run would change, per host, why, in which order; reads the hosts and changes nothing')
    .option('-D, --diff', 'as in run; a plan shows every difference without it', true)
    .option('--detailed-exitcode', 'exit 10 when there is something to change', false)
    .action(async (playbook: string, flags: PlanFlags) => {
      const { openRun } = await import('../api/run.ts');
      process.exitCode = await showPlan((hooks) => openRun(playbook, { ...flags, ...hooks }), flags, systemWorld());
    });
}

/** Real reads, no writes. @returns the exit code: 10 with `--detailed-exitcode` and changes */
export async function showPlan(
  open: (hooks: RunHooks & Surroundings) => Promise<Run>,
  flags: OutputOptions & { readonly detailedExitcode?: boolean },
  world: World,
): Promise<number> {
  const { Stage } = await import('./stage.ts');
  const { isUnchanged } = await import('../plan/reconcile.ts');
  const { formatPlan } = await import('../render/plan-text.ts');
  const { printableJson, textWriter } = await import('../render/output.ts');
  const stage = new Stage(flags, world);
  return stage.play(await open(stage.hooks), async (run) => {
    const plan = await run.plan();
    const text = flags.output === 'json' ? printableJson(plan) : formatPlan(plan);
    // A container that somebody else made may show a secret that rollout knows.
    textWriter(world.stdout)(run.redact(text.endsWith('\n') ? text : `${text}\n`));
    const isChange = plan.plays.some(({ nodes }) => nodes.some((node) => !isUnchanged(node)));
    return { exitCode: isChange && flags.detailedExitcode === true ? exitCodes.changes : exitCodes.done };
  });
}
