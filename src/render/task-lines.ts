import type { EventOf } from '../events/event.ts';
import { formatDuration } from '../model/duration.ts';
import { sanitize } from './sanitize.ts';

const marks = {
  ok: 'ok',
  changed: 'changed',
  skipped: 'skipped',
  failed: 'failed',
  ignored: 'failed, ignored',
} as const;
/** Lines of output that a task shows, the last ones. */
const mostLines = 50;

interface TaskLine {
  readonly host: string;
  readonly tone: 'bad' | 'warn' | 'quiet';
  readonly detail: 0 | 2 | 3;
  readonly text: string;
}

/** How a task ended, with what it printed and the differences it made: of a failed one always, of the others with -v. */
export function taskLines(event: EventOf<'task_finished'>): readonly TaskLine[] {
  const { status, task, item, rc, message, stdout, stderr, diff = [], durationMs } = event;
  const isWrong = status === 'failed' || status === 'ignored';
  const detail = isWrong ? 0 : status === 'skipped' ? 3 : 2;
  const tone = status === 'failed' ? 'bad' : status === 'ignored' ? 'warn' : 'quiet';
  const host = sanitize(event.host);
  const of = item === undefined ? '' : ` [${item}]`;
  const code = rc === undefined || rc === 0 ? '' : `, exit code ${rc}`;
  const head = `task ${task}${of}: ${marks[status]} in ${formatDuration(durationMs)}${code}`;
  const said = [...linesOf(message), ...linesOf(stdout), ...linesOf(stderr).map((line) => `stderr: ${line}`), ...diff];
  const shown = said.length > mostLines ? [`… ${said.length - mostLines} lines more`, ...said.slice(-mostLines)] : said;
  return [head, ...shown.map((line) => `  ${line}`)].map((text): TaskLine => ({
    host,
    tone,
    detail,
    text: sanitize(text),
  }));
}

function linesOf(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.replace(/\s+$/, '').split('\n');
}
