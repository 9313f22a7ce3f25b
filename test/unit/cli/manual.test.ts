import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommanderError, type Command } from 'commander';
import { expect, test } from 'vitest';
import { createProgram } from '../../../src/cli/program.ts';
import { shlexRules, splitWords } from '../../../src/shell/words.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

interface Line {
  readonly place: string;
  readonly words: readonly string[];
  /** With every argument that it needs. */
  readonly isWhole: boolean;
}

const lines = pages.flatMap(commandLines);

test.each(lines)('$place: rollout $words is understood', ({ words, isWhole }) => {
  expect(troubleWith(words, isWhole)).toBeUndefined();
});

test('a command or a flag that there is not is found out', () => {
  expect([
    troubleWith(['plan', 'playbooks/prod.yaml', '--dif'], true),
    troubleWith(['inventory', 'show'], true),
    troubleWith(['plan'], true),
    troubleWith(['plan'], false),
  ]).toEqual([
    "error: unknown option '--dif'\n(Did you mean --diff?)",
    "error: too many arguments for 'inventory'. Expected 0 arguments but got 1.",
    "error: missing required argument 'playbook'",
    undefined,
  ]);
});

/** Lines of code blocks that begin with `rollout`, which are whole, and what stands so in the text, which may be cut short. */
function commandLines(page: string): readonly Line[] {
  let isCode = false;
  return readFileSync(join(root, page), 'utf8')
    .split('\n')
    .flatMap((text, index): Line[] => {
      const place = `${page}:${index + 1}`;
      if (/^\s*```/.test(text)) isCode = !isCode;
      if (isCode) {
        const [, line] = /^\s*(?:\$ )?(?:npx )?rollout (.*)$/.exec(text) ?? [];
        return line === undefined ? [] : [{ place, isWhole: true, words: wordsOf(line) }];
      }
      return [...text.matchAll(/`(?:npx )?rollout ([^`]*)`/g)].flatMap(([, line = '']) =>
        line.includes('…') ? [] : [{ place, isWhole: false, words: wordsOf(line) }],
      );
    });
}

/** Of the first program alone; `[--flag]` is a flag that may be left out. */
function wordsOf(line: string): readonly string[] {
  const words = splitWords(line, { ...shlexRules, hasComments: true });
  const end = words.findIndex((word) => /^(?:[|;>&]|&&|\|\||>>)/.test(word));
  return (end === -1 ? words : words.slice(0, end)).map((word) => word.replace(/^\[(.*)\]$/, '$1'));
}

/** What the command line says against it; nothing is done. */
function troubleWith(words: readonly string[], isWhole: boolean): string | undefined {
  const program = createProgram('0');
  doNothing(program);
  try {
    program.parse([...words], { from: 'user' });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0 || (!isWhole && error.code === 'commander.missingArgument')) return undefined;
    return error.message;
  }
}

function doNothing(command: Command): void {
  command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  if (command.commands.length === 0) command.action(() => undefined);
  command.commands.forEach(doNothing);
}
