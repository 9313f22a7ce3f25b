import type { Command } from 'commander';
import type { ConnectionOptions, PlaybookOptions } from '../api/options.ts';
import type { RunHooks } from '../api/open.ts';
import type { Run } from '../api/run.ts';
import { RunRefused } from '../engine/context.ts';
import { exitCodes } from '../events/exit-code.ts';
import {
  addExceptionOptions,
  addConnectionOptions,
  addLockOption,
  addOutputOptions,
  addPlaybookOptions,
  addPushOption,
  addRecordOptions,
  withExceptions,
  type ExceptionFlags,
  type OutputOptions,
} from './options.ts';
import { systemWorld } from './world.ts';

/** Those of the playbook are the run's own, given again. */
interface ResumeFlags extends PlaybookOptions, ConnectionOptions, OutputOptions, ExceptionFlags {
  readonly fromHosts?: string;
}

export function registerResume(program: Command): void {
  const command = program.command('resume').argument('<run>', "a run's id, or its beginning");
  addRecordOptions(addOutputOptions(addConnectionOptions(addPlaybookOptions(command))))
    .description('go on with a paused or interrupted run: the same digests, finished nodes skipped')
    .option('--from-hosts <playbook>', 'where its journal is gone: what the hosts of this playbook remember of it');
  addExceptionOptions(addLockOption(addPushOption(command))).action(async (id: string, flags: ResumeFlags) => {
    const { fromHosts } = flags;
    const open = fromHosts === undefined ? await ofThisFolder(id, flags) : await ofHosts(id, fromHosts, flags);
    const { perform } = await import('./perform.ts');
    process.exitCode = await perform(open, flags, systemWorld());
  });
}

type Open = (hooks: RunHooks) => Promise<Run>;

async function ofHosts(id: string, playbook: string, flags: ResumeFlags): Promise<Open> {
  const { resumeFromHosts } = await import('../api/resume-from-hosts.ts');
  return (hooks) => resumeFromHosts(id, playbook, { ...withExceptions(flags), ...hooks });
}

/** What it does stands in its journal; said again it could be something else. */
async function ofThisFolder(id: string, flags: ResumeFlags): Promise<Open> {
  const { resumeRun } = await import('../api/resume.ts');
  return (hooks) => {
    const { inventory, limit, composition, tags, skipTags, user, privateKey, become, ...others } =
      withExceptions(flags);
    const { vaultPasswordFile, askVaultPass, push, ...own } = others;
    const isGiven =
      [inventory, tags, skipTags, push].some((list) => list.length > 0) ||
      [limit, composition, user, privateKey, vaultPasswordFile].some((value) => value !== undefined) ||
      become ||
      askVaultPass;
    if (!isGiven) return resumeRun(id, { ...own, ...hooks });
    throw new RunRefused(exitCodes.usage, 'a run goes on with its own options, but for -e: these are in its journal', [
      'with --from-hosts PLAYBOOK, where that journal is gone, they are to be given again',
    ]);
  };
}
