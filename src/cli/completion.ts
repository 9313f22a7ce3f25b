import { Argument, type Command } from 'commander';
import { locateWords, shellRules, UnfinishedWord } from '../shell/words.ts';
import { completionScripts, type Shell } from './completion/scripts.ts';
import { guardedWriter } from '../render/output.ts';
import { sanitize } from '../render/sanitize.ts';
import { textIo, type TextWorld } from './text-world.ts';
import { systemWorld } from './world.ts';

/** What a shell would not take as it stands is not offered: a name from a file must not become a command. */
const plainWord = /^[\w@%+=:,.!&*~/-]+$/;

export function registerCompletion(program: Command, world?: TextWorld): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(completionScripts)))
    .description('print the script that completes commands, flags and names in this shell')
    .action((shell: Shell) => textIo(world).print(completionScripts[shell]));
  program
    .command('complete', { hidden: true })
    .argument('<line>', 'the command line up to the cursor')
    .description('what the scripts of completion ask: a candidate a line')
    .action(async (line: string) => {
      const { cwd, env, stdout } = world ?? systemWorld();
      guardedWriter(stdout)(await complete(program, line, { cwd, env }));
    });
}

/** Never an error: a shell would print it into the line. */
async function complete(
  program: Command,
  line: string,
  where: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<string> {
  const words = wordsOf(line);
  if (words === undefined) return '';
  const { understand } = await import('./completion/position.ts');
  const { candidatesOf } = await import('./completion/candidates.ts');
  const { fileLookups } = await import('./completion/lookups.ts');
  const candidates = await candidatesOf(understand(program, words), fileLookups(where));
  return candidates
    .filter(({ value }) => plainWord.test(value) && !value.startsWith('~'))
    .map(({ value, description = '' }) => `${value}\t${sanitize(description)}\n`)
    .join('');
}

/** Behind the program's name, the one being typed last; undefined within quotes. */
function wordsOf(line: string): readonly string[] | undefined {
  try {
    const words = locateWords(line, shellRules).map(({ text }) => text);
    return /\s$/.test(line) ? [...words.slice(1), ''] : words.slice(1);
  } catch (error) {
    if (error instanceof UnfinishedWord) return undefined;
    throw error;
  }
}
