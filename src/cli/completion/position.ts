import type { Argument, Command, Option } from 'commander';

/** What the cursor stands at. */
export type Position =
  /** The first word, or that of a command with commands of its own. */
  | { readonly kind: 'command'; readonly of: Command; readonly word: string; readonly orArgument: Argument | undefined }
  | { readonly kind: 'flag'; readonly of: Command; readonly word: string }
  | { readonly kind: 'value'; readonly option: Option; readonly word: string; readonly prefix: string }
  | { readonly kind: 'argument'; readonly argument: Argument; readonly word: string }
  | { readonly kind: 'nothing' };

/** A command line up to the cursor, as far as it is understood. */
export interface Understood {
  readonly command: Command;
  readonly position: Position;
  readonly positionals: readonly string[];
  /** The values of options that take one, in order, by their long name. */
  readonly values: readonly (readonly [string, string])[];
}

/** `words`: those behind the program's name, the last one being typed. */
export function understand(program: Command, words: readonly string[]): Understood {
  const word = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const { command, rest } = commandOf(program, before);
  const positionals: string[] = [];
  const values: (readonly [string, string])[] = [];
  let waiting: Option | undefined;
  let isOver = false;
  for (const each of rest) {
    if (waiting !== undefined) {
      values.push([waiting.long ?? '', each]);
      waiting = undefined;
    } else if (each === '--') isOver = true;
    else if (isOver || !each.startsWith('-') || each === '-') positionals.push(each);
    else {
      const [, flag = each, value] = /^(--[^=]+)=(.*)$/s.exec(each) ?? [];
      const option = optionOf(command, flag);
      if (value !== undefined) values.push([flag, value]);
      else if (option?.required === true) waiting = option;
    }
  }
  const position = ((): Position => {
    if (waiting !== undefined) return { kind: 'value', option: waiting, word, prefix: '' };
    const [, flag, value] = /^(--[^=]+)=(.*)$/s.exec(isOver ? '' : word) ?? [];
    const option = flag === undefined ? undefined : optionOf(command, flag);
    if (option !== undefined && value !== undefined)
      return { kind: 'value', option, word: value, prefix: `${flag ?? ''}=` };
    if (!isOver && word.startsWith('-')) return { kind: 'flag', of: command, word };
    const argument = argumentAt(command, positionals.length);
    if (rest.length === 0 && (command === program || command.commands.length > 0 || before.length === 0))
      return { kind: 'command', of: command === runOf(program) ? program : command, word, orArgument: argument };
    return argument === undefined ? { kind: 'nothing' } : { kind: 'argument', argument, word };
  })();
  return { command, position, positionals, values };
}

/** As the program itself finds it: a first word that is no command is a playbook to run. */
function commandOf(
  program: Command,
  words: readonly string[],
): { readonly command: Command; readonly rest: readonly string[] } {
  let command = program;
  for (const [index, word] of words.entries()) {
    const found = command.commands.find((each) => each.name() === word);
    if (found === undefined)
      return { command: command === program ? runOf(program) : command, rest: words.slice(index) };
    command = found;
    if (command.commands.length === 0) return { command, rest: words.slice(index + 1) };
  }
  return { command: command === program ? runOf(program) : command, rest: [] };
}

function runOf(program: Command): Command {
  return program.commands.find((command) => command.name() === 'run') ?? program;
}

/** `-l` and `--limit`; of short flags in one word the last. */
function optionOf(command: Command, flag: string): Option | undefined {
  const short = /^-[^-]/.test(flag) ? `-${flag.slice(-1)}` : undefined;
  return command.options.find((option) => option.long === flag || (short !== undefined && option.short === short));
}

function argumentAt({ registeredArguments }: Command, index: number): Argument | undefined {
  const last = registeredArguments.at(-1);
  return registeredArguments[index] ?? (last?.variadic === true ? last : undefined);
}
