import { resolvePath } from './files.ts';
import { merged, readVarsFile, type Settings, type VarsFilesContext } from './inventory/vars-files.ts';
import { Source } from './text/source.ts';
import { locateWords, shlexRules, UnfinishedWord } from '../shell/words.ts';
import { parseYaml } from './text/yaml.ts';

/** Reads every `-e`: `name=value name2=value2` (always text), `@file`, or YAML or JSON in braces; later ones win. */
export function readExtraVars(
  written: readonly string[],
  context: VarsFilesContext & { readonly env: NodeJS.ProcessEnv },
): Settings {
  return merged(written.map((argument) => readOne(argument, context)));
}

function readOne(argument: string, context: VarsFilesContext & { readonly env: NodeJS.ProcessEnv }): Settings {
  if (argument.startsWith('@')) return readVarsFile(resolvePath(context.cwd, argument.slice(1), context.env), context);
  const source = new Source('--extra-vars', argument);
  return /^\s*[{[]/.test(argument) ? readYaml(source, context) : readPairs(source, context);
}

function readYaml(source: Source, { problems }: VarsFilesContext): Settings {
  const file = parseYaml(source, { scalars: 'ansible' }, problems);
  if (file === undefined) return new Map();
  const entries = file.entries(file.root);
  if (entries === undefined) problems.add(source.problem(0, '', 'must be a mapping, as {"name": "value"}'));
  return new Map(
    entries?.map((entry) => [entry.key, { value: file.value(entry.value), place: file.place(entry.value) }]),
  );
}

function readPairs(source: Source, { problems }: VarsFilesContext): Settings {
  try {
    return new Map(
      locateWords(source.text, shlexRules).flatMap(({ text, offset }) => {
        const equals = text.indexOf('=');
        if (equals > 0) {
          const place = { source, start: offset + equals + 1, end: offset + text.length };
          return [[text.slice(0, equals), { value: text.slice(equals + 1), place }]];
        }
        const hint = /\.(?:ya?ml|json)$/.test(text) ? `. A file is given as @${text}` : '';
        problems.add(source.problem(offset, '', `must be name=value; got ${text}${hint}`));
        return [];
      }),
    );
  } catch (error) {
    if (!(error instanceof UnfinishedWord)) throw error;
    problems.add(source.problem(0, '', `cannot be split into words: ${error.message}`));
    return new Map();
  }
}
