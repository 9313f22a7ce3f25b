import { CommanderError } from 'commander';
import { exitCodeOf } from '../api/exit-code-of.ts';
import { exitCodes } from '../events/exit-code.ts';
import { RunRefused } from '../engine/context.ts';
import { Interrupted } from '../engine/interrupt.ts';
import { RunNotFoundError } from '../store/runs.ts';
import { sanitize } from '../render/sanitize.ts';
import { bugText, keepBugReport } from '../store/bug-report.ts';
import { ConfigError } from '../model/problem.ts';
import { formatProblems } from '../render/problems.ts';

/** What this program was built as. */
export interface Build {
  readonly version: string;
  /** Where bugs are reported; empty where the package does not say. */
  readonly bugs: string;
}

/** Ends the process with the code that an error stands for, its words on stderr. */
export async function exitWith(work: Promise<unknown>, build: Build): Promise<void> {
  try {
    await work;
  } catch (error) {
    process.exitCode = codeOf(error);
    // What hosts print is among it: data, not commands to the terminal.
    process.stderr.write(sanitize(describeError(error, build), { keepLines: true }));
  }
}

function codeOf(error: unknown): number {
  // Help and version end commander's work with 0 as well.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  return exitCodeOf(error);
}

/** A thousand hosts that cannot be reached would scroll away what is wrong with them; the events name each. */
const mostDetails = 20;

/** For people, with its line end; empty where everything has been said. */
function describeError(error: unknown, build: Build): string {
  if (error instanceof ConfigError) return formatProblems(error.problems);
  if (error instanceof RunRefused) {
    const shown = error.details.length > mostDetails ? error.details.slice(0, mostDetails - 1) : error.details;
    const rest = error.details.length - shown.length;
    const lines = [...shown.flatMap((detail) => detail.split('\n')), ...(rest > 0 ? [`and ${rest} more`] : [])];
    return `rollout: ${error.message}\n${lines.map((line) => `  ${line}\n`).join('')}`;
  }
  if (error instanceof RunNotFoundError) return `rollout: ${error.message}\n`;
  if (error instanceof Interrupted) return `rollout: ${error.message}; nothing was touched\n`;
  if (error instanceof CommanderError) return '';
  return describeBug(error, build);
}

/** Where to report it, and its trace in a file: a screen full of it helps nobody who is in the middle of a rollout. */
function describeBug(error: unknown, { version, bugs }: Build): string {
  const bug = { error, version, args: process.argv.slice(2), atMs: performance.timeOrigin + performance.now() };
  const file = keepBugReport(bug, process.env, process.cwd());
  const where = bugs === '' ? 'to those who gave you rollout' : `at ${bugs}`;
  const [first = ''] = String(error).split('\n');
  const head = `rollout: this is a bug in rollout: ${first}`;
  if (file === undefined) return `${head}\n  Please report it ${where}, with this:\n${bugText(bug, process.env)}`;
  return `${head}\n  Please report it ${where}, with this file: ${file}\n  It has the trace, and no secret that rollout knows of. Read it before you send it.\n`;
}
