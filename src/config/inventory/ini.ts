import { didYouMean } from '../../model/closest.ts';
import { parsePythonLiteral } from '../text/python-literal.ts';
import { locateWords, shlexRules, UnfinishedWord } from '../../shell/words.ts';
import type { Group, Setting } from './graph.ts';
import { enterChild, enterHosts, setGroupVariable, type InventoryReader } from './reader.ts';

type Section = 'hosts' | 'vars' | 'children';

/** A group that was named before its own section came. */
interface Pending {
  readonly offset: number;
  readonly kind: 'vars' | 'children';
  readonly parents: { readonly group: Group; readonly offset: number }[];
}

/** Reads an INI inventory: `[group]`, `[group:vars]`, `[group:children]`, and hosts before any section. */
export function readIni(reader: InventoryReader): void {
  const { source, graph, problems } = reader;
  const pending = new Map<string, Pending>();
  let group = graph.ungrouped;
  let section: Section | 'unknown' = 'hosts';

  for (const { text, offset } of significantLines(source.text)) {
    const report = (message: string): void => problems.add(source.problem(offset, '', message));
    const header = /^\[([^:\]\s]+)(?::([\p{L}\p{N}_]+))?\]\s*(?:#.*)?$/u.exec(text);
    if (header !== null) {
      const [, name = '', kind = 'hosts'] = header;
      section = isSection(kind) ? kind : 'unknown';
      if (section === 'unknown')
        report(
          `the section [${name}:${kind}] has an unknown kind; write [${name}], [${name}:vars] or [${name}:children]`,
        );
      else group = openSection(reader, pending, name, section, offset);
    } else if (text.startsWith('[') && text.endsWith(']')) {
      report(`${text} is no section header; write [group], [group:vars] or [group:children], without blanks`);
      section = 'unknown';
    } else if (section === 'hosts') readHostLine(reader, group, text, offset);
    else if (section === 'vars') readVariable(reader, group, text, offset);
    else if (section === 'children') readChild(reader, pending, group, text, offset);
  }
  for (const [name, left] of pending) {
    const known = [...graph.groups.keys()].filter((other) => other !== name);
    problems.add(
      left.kind === 'vars'
        ? source.problem(
            left.offset,
            name,
            `[${name}:vars] is for a group that is not defined${didYouMean(name, known)}`,
          )
        : source.problem(
            left.offset,
            name,
            `the group ${name} is a child here but is not defined; add a section [${name}]${didYouMean(name, known)}`,
          ),
    );
  }
}

/** Lines with something on them, without blanks at the ends; comments are whole lines that begin with `#` or `;`. */
function* significantLines(text: string): Generator<{ text: string; offset: number }> {
  const lines = /[^\r\n\v\f\u2028\u2029]+/g;
  for (const match of text.matchAll(lines)) {
    const trimmed = match[0].trim();
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith(';')) continue;
    yield { text: trimmed, offset: match.index + match[0].indexOf(trimmed) };
  }
}

function isSection(kind: string): kind is Section {
  return kind === 'hosts' || kind === 'vars' || kind === 'children';
}

function openSection(
  reader: InventoryReader,
  pending: Map<string, Pending>,
  name: string,
  section: Section,
  offset: number,
): Group {
  const known = reader.graph.groups.has(name);
  if (!known && section === 'vars' && !pending.has(name)) pending.set(name, { offset, kind: 'vars', parents: [] });
  const group = reader.graph.addGroup(name);
  if (section !== 'vars') declare(reader, pending, group);
  return group;
}

/** A group that others waited for has come: they get it as their child now. */
function declare(reader: InventoryReader, pending: Map<string, Pending>, group: Group): void {
  const waiting = pending.get(group.name);
  if (waiting === undefined) return;
  pending.delete(group.name);
  for (const parent of waiting.parents) {
    enterChild(reader, parent.group, group, parent.offset);
    if (pending.get(parent.group.name)?.kind === 'children') declare(reader, pending, parent.group);
  }
}

function readHostLine(reader: InventoryReader, group: Group, text: string, offset: number): void {
  const report = (at: number, message: string): void => reader.problems.add(reader.source.problem(at, '', message));
  try {
    const [name, ...assignments] = locateWords(text, { ...shlexRules, hasComments: true });
    if (name === undefined) return;
    const settings = new Map<string, Setting>();
    for (const word of assignments) {
      const equals = word.text.indexOf('=');
      if (equals === -1) {
        report(
          offset + word.offset,
          `${word.text} is no variable; write name=value, with quotes around the whole value if it has blanks in it`,
        );
        continue;
      }
      const start = offset + word.offset;
      settings.set(word.text.slice(0, equals), {
        value: typedValue(word.text.slice(equals + 1)),
        place: { source: reader.source, start: start + equals + 1, end: start + word.text.length },
      });
    }
    enterHosts(reader, name.text, group, offset, settings);
  } catch (error) {
    if (!(error instanceof UnfinishedWord)) throw error;
    report(offset, `this host line cannot be split into words: ${error.message}`);
  }
}

function readVariable(reader: InventoryReader, group: Group, text: string, offset: number): void {
  const equals = text.indexOf('=');
  if (equals === -1) {
    reader.problems.add(
      reader.source.problem(offset, group.name, `[${group.name}:vars] takes name=value lines; found ${text}`),
    );
    return;
  }
  const written = text.slice(equals + 1);
  const value = written.trim();
  const start = offset + equals + 1 + (written.length - written.trimStart().length);
  setGroupVariable(reader, group, text.slice(0, equals).trim(), {
    value: typedValue(value),
    place: { source: reader.source, start, end: start + value.length },
  });
}

function readChild(
  reader: InventoryReader,
  pending: Map<string, Pending>,
  group: Group,
  text: string,
  offset: number,
): void {
  const name = /^([^:\]\s]+)\s*(?:#.*)?$/.exec(text)?.[1];
  if (name === undefined) {
    reader.problems.add(
      reader.source.problem(offset, group.name, `[${group.name}:children] takes one group name a line; found ${text}`),
    );
    return;
  }
  const child = reader.graph.groups.get(name);
  if (child !== undefined) {
    enterChild(reader, group, child, offset);
    return;
  }
  const waiting = pending.get(name) ?? { offset, kind: 'children', parents: [] };
  waiting.parents.push({ group, offset });
  pending.set(name, waiting);
}

/** INI values are Python literals where they can be: `80` is a number, `'80'` and `yes` are text. */
function typedValue(text: string): Setting['value'] {
  const value = parsePythonLiteral(text);
  return value === undefined ? text : value;
}
