import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { createProgram } from '../../../src/cli/program.ts';

/** Commands that print no data, or print it in a form of their own. */
const without: Readonly<Record<string, string>> = {
  promote: 'one sentence to whoever steers; the run’s own stream has the event',
  pause: 'as promote',
  abort: 'as promote',
  report: 'writes a page',
  init: 'writes files',
  schema: 'prints JSON always',
  completion: 'prints a script',
  complete: 'answers that script',
};

function leaves(
  command: Command,
  path: readonly string[] = [],
): { readonly name: string; readonly command: Command }[] {
  const below = command.commands.filter((each) => each.name() !== 'help');
  if (below.length === 0) return [{ name: path.join(' '), command }];
  return below.flatMap((each) => leaves(each, [...path, each.name()]));
}

test('every command that prints data prints it as JSON too', () => {
  const all = leaves(createProgram('1.0.0'));
  const forms = all.flatMap(({ name, command }) => {
    const option = command.options.find(({ long }) => long === '--output');
    return option === undefined ? [] : [[name, option.argChoices?.includes('json') ?? false]];
  });
  expect(forms.filter(([, hasJson]) => !hasJson)).toEqual([]);
  const others = all.map(({ name }) => name).filter((name) => !forms.some(([formed]) => formed === name));
  expect(others.toSorted()).toEqual(Object.keys(without).toSorted());
});
