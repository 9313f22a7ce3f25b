import { RunRefused } from '../engine/context.ts';
import { ConfigError } from '../model/problem.ts';
import { redactProblem, type Redactor } from '../model/redactor.ts';

/**
 * An error as it may be shown: what docker, a registry or a host said is part of many a message, and whatever they say
 * may hold a secret. Kinds and exit codes stay.
 */
export function redactError(error: unknown, redactor: Redactor): unknown {
  const redact = (text: string): string => redactor.redact(text);
  if (error instanceof RunRefused)
    return new RunRefused(error.exitCode, redact(error.message), error.details.map(redact));
  if (error instanceof ConfigError)
    return new ConfigError(error.problems.map((problem) => redactProblem(problem, redactor)));
  if (error instanceof Error) {
    error.message = redact(error.message);
    if (error.stack !== undefined) error.stack = redact(error.stack);
  }
  return error;
}
