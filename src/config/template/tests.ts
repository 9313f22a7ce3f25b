import { pythonRegex } from '../regex/regex.ts';
import { plain, text, type Filter } from './filter.ts';

/** Ansible's tests: of results of tasks, of versions and of texts. */
export const ansibleTests: Readonly<Record<string, Filter>> = {
  failed: (report, value) => flagOf(report, value, 'failed'),
  succeeded: (report, value) => !flagOf(report, value, 'failed'),
  success: (report, value) => !flagOf(report, value, 'failed'),
  changed: (report, value) => flagOf(report, value, 'changed'),
  change: (report, value) => flagOf(report, value, 'changed'),
  skipped: (report, value) => flagOf(report, value, 'skipped'),
  skip: (report, value) => flagOf(report, value, 'skipped'),
  match: (_, value, pattern) => pythonRegex(text(pattern)).matching([text(value)]).size > 0,
  search: (_, value, pattern) => pythonRegex(text(pattern)).search(text(value)) !== undefined,
  regex: (_, value, pattern) => pythonRegex(text(pattern)).search(text(value)) !== undefined,
  version: (report, value, other, operator = '==') => {
    const order = compareVersions(text(value), text(other));
    const holds = operators[text(operator)];
    if (holds === undefined)
      report(`there is no operator ${text(operator)}; there are ${Object.keys(operators).join(' ')}`);
    return holds?.(order) ?? false;
  },
};

/** `failed` and its like, of a task's result or of any of its items. */
function flagOf(report: (message: string) => void, value: unknown, flag: string): boolean {
  const result = plain(value);
  if (typeof result !== 'object' || result === null || Array.isArray(result)) {
    report('this test is for the registered result of a task');
    return false;
  }
  return (result as Readonly<Record<string, unknown>>)[flag] === true;
}

const operators: Readonly<Record<string, (order: number) => boolean>> = {
  '==': (order) => order === 0,
  eq: (order) => order === 0,
  '!=': (order) => order !== 0,
  ne: (order) => order !== 0,
  '<': (order) => order < 0,
  lt: (order) => order < 0,
  '<=': (order) => order <= 0,
  le: (order) => order <= 0,
  '>': (order) => order > 0,
  gt: (order) => order > 0,
  '>=': (order) => order >= 0,
  ge: (order) => order >= 0,
};

/** As Python's LooseVersion: numbers by their size, everything else as text. */
function compareVersions(one: string, other: string): number {
  const parts = (version: string): readonly (string | number)[] =>
    (version.match(/\d+|[a-z]+/gi) ?? []).map((part) => (/^\d/.test(part) ? Number(part) : part));
  const [first, second] = [parts(one), parts(other)];
  for (let at = 0; at < Math.max(first.length, second.length); at++) {
    const [left, right] = [first[at], second[at]];
    if (left === right) continue;
    if (left === undefined) return -1;
    if (right === undefined) return 1;
    if (typeof left === 'number' && typeof right === 'number') return left - right;
    return String(left) < String(right) ? -1 : 1;
  }
  return 0;
}
