import type { Command } from 'commander';
import type { ConnectionOptions } from '../api/options.ts';
import {
  addExceptionOptions,
  addConnectionOptions,
  addExtraVarsOption,
  addLockOption,
  addOutputOptions,
  addReportOption,
  withExceptions,
  type ExceptionFlags,
  type OutputOptions,
} from './options.ts';
import { systemWorld } from './world.ts';

interface ResumeFlags extends ConnectionOptions, OutputOptions, ExceptionFlags {
  /** The run's own, given again. */
  readonly extraVars: readonly string[];
}

export function registerResume(program: Command): void {
  const command = program.command('resume').argument('<run>', "a run's id, or its beginning");
  addReportOption(addOutputOptions(addConnectionOptions(addExtraVarsOption(command)))).description(
    'go on with a paused or interrupted run: the same digests, finished nodes skipped',
  );
  addExceptionOptions(addLockOption(command)).action(async (id: string, flags: ResumeFlags) => {
    const { resumeRun } = await import('../api/resume.ts');
    const { perform } = await import('./perform.ts');
    process.exitCode = await perform(
      (hooks) => resumeRun(id, { ...withExceptions(flags), ...hooks }),
      flags,
      systemWorld(),
    );
  });
}
