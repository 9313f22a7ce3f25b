import { existsSync, readdirSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { CommanderError, type Command } from 'commander';
import { exitCodes } from '../events/exit-code.ts';
import { closest } from '../model/closest.ts';
import { sanitize } from '../render/sanitize.ts';

/**
 * A first word that is neither a command nor a file: `rollout statsu prod.yaml` means no playbook called statsu. What was
 * meant may be a command, a playbook by its name alone, or the program's own name, typed twice.
 */
export function unknownCommand(
  program: Command,
  [word = '', ...rest]: readonly string[],
  cwd: string,
): CommanderError | undefined {
  const commands = program
    .createHelp()
    .visibleCommands(program)
    .map((command) => command.name());
  const all = new Set([...program.commands.map((command) => command.name()), 'help']);
  if (!/^[A-Za-z][\w-]*$/.test(word) || all.has(word) || existsSync(resolve(cwd, word))) return undefined;
  const playbooks = playbooksBelow(cwd);
  const meant = closest(word, [...commands, program.name(), ...playbooks.keys()]);
  const what = rest.length === 0 ? 'there is no command and no playbook' : 'there is no command';
  const message = sanitize(`rollout: ${what} ${word}`);
  process.stderr.write(`${message}\n  ${sanitize(hintOf(meant, { program, commands, playbooks, rest }))}\n`);
  return new CommanderError(exitCodes.usage, 'rollout.unknownCommand', message);
}

function hintOf(
  meant: string | undefined,
  {
    program,
    commands,
    playbooks,
    rest,
  }: {
    readonly program: Command;
    readonly commands: readonly string[];
    readonly playbooks: ReadonlyMap<string, string>;
    readonly rest: readonly string[];
  },
): string {
  const line = (first: string): string => ['rollout', first, ...rest].filter((each) => each !== '').join(' ');
  if (meant === undefined) return `The commands are ${commands.join(', ')}; rollout --help tells what they do.`;
  if (meant === program.name())
    return rest.length === 0
      ? 'That is the program itself: give it a playbook, or a command; rollout --help lists them.'
      : `Did you mean: ${line('')}?`;
  const playbook = commands.includes(meant) ? undefined : playbooks.get(meant);
  return `Did you mean: ${line(playbook ?? meant)}?`;
}

/** By name without its ending, those of the working folder and of `playbooks`. */
function playbooksBelow(cwd: string): ReadonlyMap<string, string> {
  const found = ['playbooks', ''].flatMap((folder) => {
    try {
      return readdirSync(join(cwd, folder))
        .filter((name) => /^\.ya?ml$/.test(extname(name)))
        .map((name) => [basename(name, extname(name)), join(folder, name)] as const);
    } catch {
      return [];
    }
  });
  return new Map(found);
}
