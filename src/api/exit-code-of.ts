import { RunRefused } from '../engine/context.ts';
import { Interrupted } from '../engine/interrupt.ts';
import { exitCodes, type ExitCode } from '../events/exit-code.ts';
import { ConfigError } from '../model/problem.ts';
import { RunNotFoundError } from '../store/runs.ts';

/** The exit code of what ended a run before there was an outcome. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof RunRefused) return error.exitCode;
  if (error instanceof ConfigError || error instanceof RunNotFoundError) return exitCodes.usage;
  if (error instanceof Interrupted) return error.wish === 'pause' ? exitCodes.paused : exitCodes.interrupted;
  return exitCodes.bug;
}
