import type { CheckAnswer, Question } from '../model/check.ts';
import { ask, NoAnswer } from './http.ts';

type Uri = Extract<Question, { kind: 'uri' }>;

/** Here it is the asked one that is judged: a refused connection or silence is a failure, a name that is not known none. */
export async function askUri(question: Uri, options: { timeoutMs: number; signal: AbortSignal }): Promise<CheckAnswer> {
  const { url, method, statuses, contains } = question;
  try {
    const { status, body } = await ask(new URL(url), { method, target: question, ...options });
    if (!statuses.includes(status))
      return { outcome: 'failed', message: `answered ${status}, wanted ${statuses.join(' or ')}` };
    if (contains !== undefined && !body.includes(contains))
      return { outcome: 'failed', message: `answered ${status} without ${JSON.stringify(contains)}` };
    return { outcome: 'passed', message: `answered ${status}` };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return { outcome: error.isSilent ? 'failed' : 'unanswered', message: error.message };
  }
}
