import { RunRefused } from '../engine/context.ts';
import { Interrupted } from '../engine/interrupt.ts';
import { ConfigError, formatProblem } from '../model/problem.ts';

/** Why a run was refused or broke off, for its last event: the journal, JSON and the report show what the terminal does. */
export function reasonOf(error: unknown): { readonly message: string; readonly details: readonly string[] } {
  if (error instanceof RunRefused) return { message: error.message, details: error.details };
  if (error instanceof ConfigError) {
    const { problems } = error;
    return {
      message: `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in the configuration`,
      details: problems.map((problem) => formatProblem(problem)),
    };
  }
  if (error instanceof Interrupted) return { message: `${error.message}; nothing was touched`, details: [] };
  return { message: error instanceof Error ? error.message : String(error), details: [] };
}
