import type { Command, Option } from 'commander';
import type { Understood } from './position.ts';

/** One way to go on. */
export interface Candidate {
  readonly value: string;
  readonly description?: string;
}

/** What is looked up for values, in files alone. */
export interface Lookups {
  playbooks(word: string): readonly Candidate[];
  files(word: string): readonly Candidate[];
  runs(): readonly Candidate[];
  /** Hosts and groups of the line's inventory. */
  hosts(line: Understood): Promise<readonly Candidate[]>;
  services(line: Understood): readonly Candidate[];
  tags(line: Understood): readonly Candidate[];
}

type Source = (
  lookups: Lookups,
  word: string,
  line: Understood,
) => readonly Candidate[] | Promise<readonly Candidate[]>;

/** By what a value is called in the usage: `--limit <pattern>`, `<playbook>`. Any other value is a file, or anybody's. */
const sources: Readonly<Record<string, Source>> = {
  playbook: (lookups, word) => lookups.playbooks(word),
  run: (lookups) => lookups.runs(),
  to: (lookups, word) => [...lookups.runs(), ...lookups.files(word)],
  pattern: (lookups, word, line) => inList(lookups.hosts(line), word, /[,:&!]/),
  host: (lookups, word, line) => inList(lookups.hosts(line), word, /,/),
  group: async (lookups, _, line) => lookups.hosts(line),
  service: (lookups, _, line) => lookups.services(line),
  services: (lookups, _, line) => lookups.services(line),
  tags: (lookups, word, line) => inList(lookups.tags(line), word, /,/),
};
for (const name of ['file', 'files', 'folder', 'source', 'before', 'after', 'inventory', 'composition'])
  Object.assign(sources, { [name]: ((lookups, word) => lookups.files(word)) satisfies Source });

/** Every way in which the word at the cursor can go on. */
export async function candidatesOf(line: Understood, lookups: Lookups): Promise<readonly Candidate[]> {
  const { position } = line;
  switch (position.kind) {
    case 'nothing':
      return [];
    case 'flag':
      return flagsOf(position.of).filter(({ value }) => value.startsWith(position.word));
    case 'command': {
      const { of, word, orArgument } = position;
      const commands = commandsOf(of).filter(({ value }) => value.startsWith(word));
      const others =
        orArgument === undefined ? [] : await ask(orArgument.name(), orArgument.argChoices, word, line, lookups);
      return [...commands, ...others];
    }
    case 'argument':
      return ask(position.argument.name(), position.argument.argChoices, position.word, line, lookups);
    case 'value': {
      const { option, word, prefix } = position;
      const found = await ask(valueName(option), option.argChoices, word, line, lookups);
      return found.map(({ value, ...rest }) => ({ ...rest, value: `${prefix}${value}` }));
    }
  }
}

async function ask(
  name: string,
  choices: readonly string[] | undefined,
  word: string,
  line: Understood,
  lookups: Lookups,
): Promise<readonly Candidate[]> {
  const found = choices?.map((value) => ({ value })) ?? (await sources[name]?.(lookups, word, line)) ?? [];
  return found.filter(({ value }) => value.startsWith(word));
}

/** `<composition|run>` and `[interval]` without their brackets. */
function valueName({ flags, long }: Option): string {
  if (long === '--to') return 'to';
  return /[<[]([\w-]+)/.exec(flags)?.[1] ?? '';
}

function flagsOf({ options }: Command): readonly Candidate[] {
  const own = options
    .filter(({ hidden }) => !hidden)
    .map(({ long, short, description }) => ({
      value: long ?? short ?? '',
      description,
    }));
  return [...own, { value: '--help', description: 'how it is used' }];
}

function commandsOf(command: Command): readonly Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((each) => ({
      value: each.name(),
      description: each.description(),
    }));
}

/** Of a list the last item is completed. */
async function inList(
  items: readonly Candidate[] | Promise<readonly Candidate[]>,
  word: string,
  separator: RegExp,
): Promise<readonly Candidate[]> {
  const end = word.length - (word.split(separator).at(-1) ?? '').length;
  const done = word.slice(0, end);
  return (await items).map((item) => ({ ...item, value: `${done}${item.value}` }));
}
