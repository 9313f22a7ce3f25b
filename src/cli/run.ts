import type { Command } from 'commander';
import type { ConnectionOptions, PlaybookOptions } from '../api/options.ts';
import type { ResumeOptions } from '../api/resume.ts';
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
import { systemWorld, type World } from './world.ts';

export interface RunFlags extends PlaybookOptions, ConnectionOptions, OutputOptions, ExceptionFlags {
  readonly check: boolean;
  readonly diff: boolean;
  readonly confirm: boolean;
  readonly resumePaused: boolean;
}

/** `rollout PLAYBOOK` and `rollout run PLAYBOOK`. What a command needs is loaded when it runs. */
export function registerRun(program: Command): void {
  const command = program.command('run', { isDefault: true }).argument('<playbook>', 'the playbook to carry out');
  addRecordOptions(addOutputOptions(addConnectionOptions(addPushOption(addPlaybookOptions(command)))))
    .description('bring every host to what the playbook wants: preflight, plan, canary, everyone')
    .option('-C, --check', 'only show what would change', false)
    .option('-D, --diff', 'show every difference in the plan, value by value', false)
    .option('--confirm', 'ask after the plan', false)
    .option(
      '--resume-paused',
      'go on with the last run of the playbook where the end of its window has paused it',
      false,
    );
  addExceptionOptions(addLockOption(command)).action(async (playbook: string, flags: RunFlags) => {
    process.exitCode = await runCommand(playbook, flags, systemWorld());
  });
}

/** Brings every host to what the playbook wants. @returns the exit code */
export async function runCommand(playbook: string, flags: RunFlags, world: World): Promise<number> {
  if (flags.check) {
    const { openRun } = await import('../api/run.ts');
    const { showPlan } = await import('./plan.ts');
    return showPlan((hooks) => openRun(playbook, { ...withExceptions(flags), ...hooks }), flags, world);
  }
  const paused = flags.resumePaused ? await pausedRun(playbook, world) : undefined;
  const { openRun } = await import('../api/run.ts');
  const { perform } = await import('./perform.ts');
  if (paused === undefined)
    return perform((hooks) => openRun(playbook, { ...withExceptions(flags), ...hooks }), flags, world);
  const { resumeRun } = await import('../api/resume.ts');
  return perform((hooks) => resumeRun(paused, { ...resumable(withExceptions(flags)), ...hooks }), flags, world);
}

async function pausedRun(playbook: string, { env, cwd }: World): Promise<string | undefined> {
  const { runPausedByWindow } = await import('../api/paused-run.ts');
  return runPausedByWindow(playbook, { env, cwd });
}

/** Everything else is as it was in that run. */
function resumable({
  extraVars,
  forks,
  acceptNew,
  lockTimeout,
  noBake,
  ignoreWindow,
  scheduled,
}: ReturnType<typeof withExceptions<RunFlags>>): ResumeOptions {
  return {
    ...{ extraVars, forks, acceptNew, lockTimeout },
    ...(noBake === undefined ? {} : { noBake }),
    ...(ignoreWindow === undefined ? {} : { ignoreWindow }),
    ...(scheduled === undefined ? {} : { scheduled }),
  };
}
