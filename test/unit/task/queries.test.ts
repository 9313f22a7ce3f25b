import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { Found, parseFound, readCommand, type Query } from '../../../src/task/query.ts';

function asked(queries: readonly Query[]): Found {
  const { argv, stdin } = readCommand(queries);
  const [program = '', ...words] = argv;
  const stdout = execFileSync(program, words, { input: stdin ?? '' }).toString();
  return new Found(parseFound(queries, stdout) ?? new Map());
}

const echo = (text: string): Query => ({ kind: 'command', argv: ['printf', '%s', text] });

test('words of every kind reach the host as they are, in argv and, where they are long, through stdin', () => {
  const texts = ["it's", 'a "b" $HOME `x`', 'two\nlines\n', '-n', '', 'ü 😀', '\\', "'", '*'];
  const long = 'x'.repeat(70_000);
  for (const queries of [texts.map(echo), [...texts, long].map(echo)]) {
    const found = asked(queries);
    expect(queries.map((query) => query.kind === 'command' && found.command(query.argv).stdout)).toEqual(
      queries.map((query) => query.kind === 'command' && query.argv[2]),
    );
  }
});

test('thousands of paths are asked for in one command whose line no shell refuses', () => {
  const queries = Array.from({ length: 300 }, (_, index): Query => ({
    kind: 'path',
    path: `/nowhere/${'folder/'.repeat(40)}${index}`,
  }));
  const { argv } = readCommand(queries);
  expect(argv.join(' ').length).toBeLessThan(60_000);
  const found = asked(queries);
  expect(queries.map((query) => query.kind === 'path' && found.path(query))).toEqual(queries.map(() => undefined));
});
