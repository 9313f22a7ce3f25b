import { assertNever } from '../model/assert-never.ts';
import type { Check, CheckAnswer } from '../model/check.ts';
import { askCommand } from './command.ts';
import { askPrometheus } from './prometheus.ts';
import { askUri } from './uri.ts';

/** Asks once, from the controller. Never rejects: what goes wrong on the way is an answer that says nothing. */
export async function askCheck({ question, timeoutMs }: Check, signal: AbortSignal): Promise<CheckAnswer> {
  const options = { timeoutMs, signal };
  try {
    switch (question.kind) {
      case 'command':
        return await askCommand(question, options);
      case 'uri':
        return await askUri(question, options);
      case 'prometheus':
        return await askPrometheus(question, options);
      default:
        return assertNever(question);
    }
  } catch (error) {
    return { outcome: 'unanswered', message: error instanceof Error ? error.message : String(error) };
  }
}
