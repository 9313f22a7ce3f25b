import { RunRefused } from '../engine/context.ts';
import { RunNotFoundError } from '../events/journal.ts';
import { ConfigError, formatProblem } from '../model/problem.ts';

/** Ends the process with the code that an error stands for, its words on stderr. */
export async function exitWith(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    process.exitCode = reportError(error, process.stderr);
  }
}

/** Prints an error for people and gives its exit code: the one place where errors become both. */
export function reportError(error: unknown, stderr: NodeJS.WritableStream): number {
  if (error instanceof ConfigError) {
    stderr.write(`${error.problems.map(formatProblem).join('\n')}\n`);
    return 2;
  }
  if (error instanceof RunRefused) {
    const details = error.details.flatMap((detail) => detail.split('\n')).map((line) => `  ${line}\n`);
    stderr.write(`rollout: ${error.message}\n${details.join('')}`);
    return error.exitCode;
  }
  if (error instanceof RunNotFoundError) {
    stderr.write(`rollout: ${error.message}\n`);
    return 2;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  stderr.write(`rollout: this is a bug in rollout, please report it\n${text}\n`);
  return 1;
}
