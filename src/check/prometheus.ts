import type { CheckAnswer, Question } from '../model/check.ts';
import { ask, NoAnswer, type HttpAnswer } from './http.ts';

type Prometheus = Extract<Question, { kind: 'prometheus' }>;

/** An instant query, as of now: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries */
export async function askPrometheus(
  question: Prometheus,
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<CheckAnswer> {
  const url = new URL(question.url);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/query`;
  url.searchParams.set('query', question.query);
  try {
    return judgeQuery(await ask(url, { method: 'GET', target: question, ...options }), question);
  } catch (error) {
    // The server is only the messenger: what it does not say speaks for nothing.
    if (error instanceof NoAnswer) return unanswered(`${url.host}: ${error.message}`);
    throw error;
  }
}

/** What an answer of the API says about the bounds; anything but one number says nothing. */
export function judgeQuery(answer: HttpAnswer, bounds: Pick<Prometheus, 'min' | 'max'>): CheckAnswer {
  const { status, location, contentType } = answer;
  if (status >= 300 && status < 400)
    return unanswered(`answered ${status}, redirected to ${location ?? 'nowhere'}; write the URL that answers itself`);
  if (status === 401 || status === 403)
    return unanswered(`answered ${status}: it wants username and password, or bearer`);
  const reply = parseReply(answer.body);
  if (reply === undefined)
    return unanswered(
      `answered ${status} with ${contentType === '' ? 'no content type' : contentType}, not the JSON of Prometheus' API; is url its address, and nothing in front of it?`,
    );
  if (reply.status !== 'success')
    return unanswered(`answered ${status}: ${reply.errorType ?? 'error'}: ${reply.error ?? 'no reason given'}`);
  const value = valueOf(reply.data);
  if (typeof value === 'string') return unanswered(value);
  return withinBounds(value.number, value.text, bounds);
}

function withinBounds(number: number, text: string, { min, max }: Pick<Prometheus, 'min' | 'max'>): CheckAnswer {
  if (max !== undefined && number > max) return { outcome: 'failed', message: `${text} is above max ${max}` };
  if (min !== undefined && number < min) return { outcome: 'failed', message: `${text} is below min ${min}` };
  return { outcome: 'passed', message: text };
}

interface Reply {
  readonly status: unknown;
  readonly errorType?: string;
  readonly error?: string;
  readonly data?: unknown;
}

function parseReply(body: string): Reply | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null && 'status' in value ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The one number of a result, or in words why there is none. */
function valueOf(data: unknown): { readonly number: number; readonly text: string } | string {
  const { resultType, result } = (data ?? {}) as { resultType?: unknown; result?: unknown };
  if (resultType === 'scalar') return sampleOf(result);
  if (resultType !== 'vector' || !Array.isArray(result))
    return `gives a ${typeof resultType === 'string' ? resultType : 'result of no known type'}; a check needs one number`;
  const series = result as readonly { metric?: Record<string, string>; value?: unknown }[];
  const [only] = series;
  if (only === undefined) return 'gives no series: nothing was measured, or a label does not match';
  if (series.length > 1) {
    const shown = series.slice(0, 3).map(({ metric }) => labelsOf(metric));
    return `gives ${series.length} series (${shown.join(', ')}${series.length > 3 ? ', …' : ''}); a check needs one: put max(…) or sum(…) around it`;
  }
  if (only.value === undefined) return 'gives a histogram; a check needs one number';
  return sampleOf(only.value);
}

function sampleOf(sample: unknown): { readonly number: number; readonly text: string } | string {
  const text: unknown = Array.isArray(sample) ? sample[1] : undefined;
  if (typeof text !== 'string') return 'gives a sample without a value';
  if (text === 'NaN') return 'gives NaN: there was nothing to divide by, as without requests';
  const number = text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
  return Number.isNaN(number) || text.trim() === ''
    ? `gives ${text.slice(0, 60)}, which is no number`
    : { number, text };
}

function labelsOf(metric: Record<string, string> = {}): string {
  const labels = Object.entries(metric).filter(([name]) => name !== '__name__');
  return `${metric['__name__'] ?? ''}{${labels.map(([name, value]) => `${name}="${value}"`).join(', ')}}`.slice(0, 120);
}

function unanswered(message: string): CheckAnswer {
  return { outcome: 'unanswered', message };
}
