import { CommanderError, type Command } from 'commander';
import { expect, test } from 'vitest';
import { createProgram } from '../../../src/cli/program.ts';
import { manualLines } from '../../support/manual.ts';

const lines = manualLines();

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
