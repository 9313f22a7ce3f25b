/**
 * `npm run verdict`: what the verdict on real traffic lets through and what it sends back, by simulation with the real
 * function, against the rule that rollout had before. Seeded: the same numbers every time.
 *
 * `-- --runs 2000` runs a cell, `-- --seed 1`, `-- --write` into bench/VERDICT.md. Exit 1 where a promise is not kept.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import {
  badReleases,
  goodReleases,
  hardWeather,
  hiddenFaults,
  lateFaults,
  wholeRuns,
  type Table,
} from './verdict-tables.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string' }, seed: { type: 'string' }, write: { type: 'boolean', default: false } },
});
const runs = Number(values.runs ?? 2000);
const seed = Number(values.seed ?? 1);
if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed))
  throw new Error('usage: npm run verdict -- [--runs 2000] [--seed 1] [--write]');

let isKept = true;
const parts: string[] = [];
const say = (part: string): void => {
  parts.push(part);
  process.stdout.write(`${part}\n`);
};
for (const make of [badReleases, goodReleases, wholeRuns, lateFaults, hardWeather, hiddenFaults]) {
  const table = make(runs, seed);
  isKept &&= table.broken.length === 0;
  say(formatTable(table));
}
say(isKept ? `Every promise is kept (${runs} runs a cell, seed ${seed}).` : 'Promises are broken, see above.');
if (values.write) await writeFile(new URL('VERDICT.md', import.meta.url), page(parts.join('\n')));
process.exitCode = isKept ? 0 : 1;

function formatTable({ title, columns, rows, broken }: Table): string {
  const all = [columns, ...rows];
  const widths = columns.map((_, index) => Math.max(...all.map((row) => (row[index] ?? '').length)));
  const lines = all.map((row) => row.map((cell, index) => cell.padStart(widths[index] ?? 0)).join('  '));
  const kept = broken.length === 0 ? [] : ['', ...broken.map((words) => `BROKEN: ${words}`)];
  return [title, '', ...lines, ...kept, ''].join('\n');
}

function page(text: string): string {
  return [
    '# The verdict: what it sends back, and what it lets through',
    '',
    'Written by `npm run verdict -- --write`. The method is in [ADR 4](../docs/adr/0004-a-sequential-verdict.md).',
    '',
    '```',
    text,
    '```',
    '',
  ].join('\n');
}
