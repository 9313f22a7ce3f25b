import type { Json, JsonObject } from '../docker/spec.ts';
import type { DockerContext } from './context.ts';
import { renderTemplate } from './template.ts';

/** Title and key. */
export type Column = readonly [string, string];

const gap = 3;

/** A list as docker prints it: ids alone, a template a row, or a table. */
export function printTable(
  context: DockerContext,
  rows: readonly JsonObject[],
  columns: readonly Column[],
  options: { quiet: boolean; template: string | undefined },
): void {
  const text = (row: JsonObject, key: string) => cell(row[key] ?? '');
  if (options.quiet) {
    for (const row of rows) context.stdout(`${text(row, 'ID')}\n`);
    return;
  }
  if (options.template !== undefined && !options.template.startsWith('table')) {
    for (const row of rows) context.stdout(`${renderTemplate(options.template, row)}\n`);
    return;
  }
  const cells = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, key]) => text(row, key)))];
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => (line[at] ?? '').length)));
  for (const line of cells) {
    const padded = line.map((cell, at) => (at === line.length - 1 ? cell : cell.padEnd((widths[at] ?? 0) + gap)));
    context.stdout(`${padded.join('')}\n`);
  }
}

const cell = (value: Json): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));
