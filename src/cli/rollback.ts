import { Option, type Command } from 'commander';
import type { ConnectionOptions, PlaybookOptions } from '../api/options.ts';
import { exitCodes } from '../events/exit-code.ts';
import {
  addConnectionOptions,
  addLockOption,
  addOutputOptions,
  addPlaybookOptions,
  addRecordOptions,
  type OutputOptions,
} from './options.ts';
import { systemWorld, type World } from './world.ts';

interface RollbackFlags extends PlaybookOptions, ConnectionOptions, OutputOptions {
  /** A composition's file, or an earlier run; undefined: the parked previous containers. */
  readonly to?: string;
  /** The run to undo; undefined: the last one. */
  readonly run?: string;
  readonly check: boolean;
  readonly confirm: boolean;
}

/** No canary, the same capacity limits. */
export function registerRollback(program: Command): void {
  const command = program.command('rollback').argument('<playbook>', 'the playbook whose hosts go back');
  addRecordOptions(addOutputOptions(addConnectionOptions(addPlaybookOptions(command))))
    .description(
      'undo the last run, or go back to a composition or to an earlier run; no canary, the same capacity limits',
    )
    .addOption(new Option('--run <id>', 'the run to undo, instead of the last one').conflicts('to'))
    .option(
      '--to <composition|run>',
      'the composition to go back to, or the run whose images to go back to, instead of undoing a run',
    )
    .option('-C, --check', 'only show what would go back', false)
    .option('--confirm', 'ask after the plan', false);
  addLockOption(command).action(async (playbook: string, flags: RollbackFlags) => {
    if (flags.check) {
      process.exitCode = await checkRollback(playbook, flags, systemWorld());
      return;
    }
    const { openRollback } = await import('../api/rollback.ts');
    const { perform } = await import('./perform.ts');
    const open = (hooks: Parameters<Parameters<typeof perform>[0]>[0]) =>
      openRollback(playbook, { ...flags, ...hooks });
    process.exitCode = await perform(open, flags, systemWorld());
  });
}

/** What would go back, and nothing done. @returns the exit code */
async function checkRollback(playbook: string, flags: RollbackFlags, world: World): Promise<number> {
  const { openRollback } = await import('../api/rollback.ts');
  if (flags.to !== undefined) {
    const { showPlan } = await import('./plan.ts');
    return showPlan((hooks) => openRollback(playbook, { ...flags, ...hooks }), flags, world);
  }
  const { Stage } = await import('./stage.ts');
  const stage = new Stage(flags, world);
  return stage.play(await openRollback(playbook, { ...flags, ...stage.hooks }), async (run) => {
    const { plan, text } = await run.planRollback();
    world.stdout.write(run.redact(`${flags.output === 'json' ? JSON.stringify(plan) : text}\n`));
    return { exitCode: exitCodes.done };
  });
}
