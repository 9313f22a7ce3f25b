import type { Command } from 'commander';
import type { ConnectionOptions, PlaybookOptions } from '../api/options.ts';
import {
  addBakeOptions,
  addConnectionOptions,
  addLockOption,
  addOutputOptions,
  addPlaybookOptions,
  addPushOption,
  addReportOption,
  noBakeOf,
  type BakeFlags,
  type OutputOptions,
} from './options.ts';
import { systemWorld, type World } from './world.ts';

export interface RunFlags extends PlaybookOptions, ConnectionOptions, OutputOptions, BakeFlags {
  readonly check: boolean;
  readonly diff: boolean;
  readonly confirm: boolean;
}

/** `rollout PLAYBOOK` and `rollout run PLAYBOOK`. What a command needs is loaded when it runs. */
export function registerRun(program: Command): void {
  const command = program.command('run', { isDefault: true }).argument('<playbook>', 'the playbook to carry out');
  addReportOption(addOutputOptions(addConnectionOptions(addPushOption(addPlaybookOptions(command)))))
    .description('bring every host to what the playbook wants: preflight, plan, canary, everyone')
    .option('-C, --check', 'only show what would change', false)
    .option('-D, --diff', 'show every difference in the plan, value by value', false)
    .option('--confirm', 'ask after the plan', false);
  addBakeOptions(addLockOption(command)).action(async (playbook: string, flags: RunFlags) => {
    process.exitCode = await runCommand(playbook, flags, systemWorld());
  });
}

/** Brings every host to what the playbook wants. @returns the exit code */
export async function runCommand(playbook: string, flags: RunFlags, world: World): Promise<number> {
  if (flags.check) {
    const { openRun } = await import('../api/run.ts');
    const { showPlan } = await import('./plan.ts');
    return showPlan((hooks) => openRun(playbook, { ...flags, ...hooks }), flags, world);
  }
  const { openRun } = await import('../api/run.ts');
  const { perform } = await import('./perform.ts');
  return perform((hooks) => openRun(playbook, { ...flags, ...hooks, ...noBakeOf(flags) }), flags, world);
}
