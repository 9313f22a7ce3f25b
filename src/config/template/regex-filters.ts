import { groupNumber, pythonRegex, type PythonRegex, type RegexMatch } from '../regex/regex.ts';
import { text, type Filter } from './filter.ts';

/** Ansible's filters with a regular expression, which is Python's. What is wrong with one is reported, as any error. */
export const regexFilters: Readonly<Record<string, Filter>> = {
  regex_replace: (_, value, ...args) => {
    const { words, options } = split(args);
    const [pattern, replacement] = words;
    return expression(pattern, options).replace(
      text(value),
      text(replacement ?? ''),
      Number(options.get('count') ?? 0),
    );
  },
  regex_search: (_, value, ...args) => {
    const { words, options } = split(args);
    const [pattern, ...wanted] = words;
    const regex = expression(pattern, options);
    const match = regex.search(text(value));
    if (wanted.length === 0) return match?.groups[0] ?? null;
    const numbers = wanted.map((each) => {
      const [, named, number] = /^\\(?:g<([^>]*)>|(\d+))$/s.exec(text(each)) ?? [];
      return groupNumber(named ?? number ?? text(each), regex.groupCount, regex.names);
    });
    return match === undefined ? null : numbers.map((number) => match.groups[number] ?? null);
  },
  regex_findall: (_, value, ...args) => {
    const { words, options } = split(args);
    return expression(words[0], options).findAll(text(value)).map(found);
  },
  regex_escape: (_, value) => text(value).replace(/[\s#$&()*+\-.?[\\\]^{|}~]/g, '\\$&'),
};

/** As `re.findall`: the whole where there is no group, the group where there is one, else all of them. */
function found({ groups: [whole = '', ...groups] }: RegexMatch): unknown {
  const texts = groups.map((group) => group ?? '');
  return texts.length === 0 ? whole : texts.length === 1 ? texts[0] : texts;
}

/** minijinja gives named arguments as a map behind the others. */
function split(args: readonly unknown[]): { words: readonly unknown[]; options: ReadonlyMap<unknown, unknown> } {
  const last = args.at(-1);
  return last instanceof Map
    ? { words: args.slice(0, -1), options: last }
    : { words: args, options: new Map<unknown, unknown>() };
}

function expression(pattern: unknown, options: ReadonlyMap<unknown, unknown>): PythonRegex {
  const isOn = (name: string): boolean => options.get(name) === true;
  return pythonRegex(text(pattern), { ignoreCase: isOn('ignorecase'), multiLine: isOn('multiline') });
}
