import type { Command } from 'commander';
import type { ConnectionOptions, PlaybookOptions } from '../api/options.ts';
import {
  addConnectionOptions,
  addLockOption,
  addOutputOptions,
  addPlaybookOptions,
  addReportOption,
  type OutputOptions,
} from './options.ts';
import { systemWorld } from './world.ts';

interface RollbackFlags extends PlaybookOptions, ConnectionOptions, OutputOptions {
  /** A composition's file; undefined: the parked previous containers. */
  readonly to?: string;
  readonly confirm: boolean;
}

/** No canary, the same capacity limits. */
export function registerRollback(program: Command): void {
  const command = program.command('rollback').argument('<playbook>', 'the playbook whose hosts go back');
  addReportOption(addOutputOptions(addConnectionOptions(addPlaybookOptions(command))))
    .description('back to the parked previous containers, or to a composition; no canary, the same capacity limits')
    .option('--to <composition>', 'the composition to go back to, instead of the parked containers')
    .option('--confirm', 'ask after the plan (with --to)', false);
  addLockOption(command).action(async (playbook: string, flags: RollbackFlags) => {
    const { openRollback } = await import('../api/run.ts');
    const { perform } = await import('./perform.ts');
    const open = (hooks: Parameters<Parameters<typeof perform>[0]>[0]) =>
      openRollback(playbook, { ...flags, ...hooks });
    process.exitCode = await perform(open, flags, systemWorld());
  });
}
