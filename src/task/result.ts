import type { Value } from '../model/host.ts';
import { Secret } from '../model/secret.ts';
import type { Result } from './module.ts';

/** Of a task whose condition does not hold. */
export const skippedResult: Result = { changed: false, skipped: true, skip_reason: 'Conditional result was False' };

/** With the lines of its output beside it, as Ansible has them. */
export function withLines(result: Result): Result {
  const { stdout, stderr } = result;
  return {
    ...result,
    ...(typeof stdout === 'string' ? { stdout_lines: linesOf(stdout) } : {}),
    ...(typeof stderr === 'string' ? { stderr_lines: linesOf(stderr) } : {}),
  };
}

/** Python's splitlines, for what a program prints. */
const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r\n|\n|\r/));

/** Of all items of a loop. */
export function resultOfLoop(results: readonly Result[]): Result {
  const any = (key: string): boolean => results.some((result) => result[key] === true);
  if (results.length === 0)
    return { changed: false, skipped: true, skipped_reason: 'No items in the list', results: [] };
  const isFailed = any('failed');
  return {
    changed: any('changed'),
    failed: isFailed,
    msg: isFailed ? 'One or more items failed' : 'All items completed',
    results,
    ...(results.every(({ skipped }) => skipped === true) ? { skipped: true, msg: 'All items skipped' } : {}),
  };
}

/** Why a task failed, in a line: its message, and the last lines of what it printed. */
export function messageOf(result: Result): string {
  const { msg, rc, stderr, stdout, results } = result;
  if (Array.isArray(results)) {
    const failed = (results as readonly Result[]).filter(({ failed: isFailed }) => isFailed === true);
    const [first] = failed;
    if (first !== undefined)
      return failed.length === 1 ? messageOf(first) : `${failed.length} items: ${messageOf(first)}`;
  }
  const printed = [stderr, stdout]
    .map((text) => (typeof text === 'string' ? text.trim() : ''))
    .find((text) => text !== '');
  const said = printed?.split('\n').slice(-3).join(' / ');
  const text = typeof msg === 'string' ? msg.trim() : msg === undefined || msg === null ? '' : itemText(msg);
  if (typeof rc === 'number' && rc !== 0 && (text === '' || text === 'non-zero return code'))
    return `exited with ${rc}${said === undefined ? '' : `: ${said}`}`;
  return text === '' ? (said ?? 'failed') : text;
}

/** A value in a line. */
export function itemText(value: Value): string {
  if (value instanceof Secret) return value.toString();
  return typeof value === 'string' ? value : JSON.stringify(value);
}
