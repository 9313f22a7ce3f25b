import { formatProblem, type Problem } from '../model/problem.ts';
import type { Painter } from './paint.ts';
import { displayWidth, truncate } from './width.ts';

const plainText: Painter = (_, text) => text;

/** Columns that the excerpt of a long line may take. */
const excerptColumns = 100;

/**
 * Problems for a terminal: each as `file:line:column path: message`, with the offending line and a mark below it; the
 * number of them at the end.
 */
export function formatProblems(problems: readonly Problem[], paint: Painter = plainText): string {
  const texts = problems.map((problem) => [paint('bold', formatProblem(problem)), ...excerptOf(problem, paint)]);
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return [...texts.map((lines) => lines.join('\n')), paint('red', count)].join('\n\n').concat('\n');
}

/** One problem as data, for `--output json`. */
export function problemToJson({ file, line, column, path, message }: Problem): Readonly<Record<string, unknown>> {
  return { file, line, column, path, message };
}

function excerptOf({ excerpt, line, column }: Problem, paint: Painter): string[] {
  if (excerpt === undefined || excerpt.trim() === '') return [];
  // Tabs are one column in files and many on screens; a long line is shown from a little before the place.
  const text = excerpt.replaceAll('\t', ' ');
  const from = column > excerptColumns - 20 ? column - 40 : 0;
  const shown = (from > 0 ? '…' : '') + text.slice(from);
  const before = (from > 0 ? '…' : '') + text.slice(from, column - 1);
  const gutter = ' '.repeat(String(line).length);
  return [
    paint('dim', `  ${line} | `) + truncate(shown, excerptColumns),
    paint('dim', `  ${gutter} | `) + ' '.repeat(displayWidth(before)) + paint('red', '^'),
  ];
}
