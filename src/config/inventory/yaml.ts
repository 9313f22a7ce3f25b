import { isScalar, type Node } from 'yaml';
import type { YamlEntry, YamlFile } from '../text/yaml.ts';
import { didYouMean } from '../../model/closest.ts';
import type { Group, Setting } from './graph.ts';
import { enterChild, enterHosts, setGroupVariable, type InventoryReader } from './reader.ts';

/** Reads a YAML or JSON inventory: groups at the top, each with `hosts`, `vars` and `children`. */
export function readYaml(reader: InventoryReader, file: YamlFile): void {
  const groups = file.entries(file.root);
  if (groups === undefined) {
    if (file.root === null || (isScalar(file.root) && file.root.value === '')) return;
    reader.problems.add(
      reader.source.problem(0, '', 'an inventory is a mapping of groups; write all: with hosts: or children: below it'),
    );
    return;
  }
  const plugin = groups.find(({ key }) => key === 'plugin');
  if (plugin !== undefined) {
    reader.problems.add(
      reader.source.problem(
        plugin.keyPlace.start,
        'plugin',
        'inventory plugins run inside Ansible only; save what they give with ansible-inventory --list --export --output FILE.json and make that a script, or use it through an executable inventory script',
      ),
    );
    return;
  }
  for (const group of groups) readGroup(reader, file, group, group.key);
}

const sections = ['hosts', 'vars', 'children'];

function readGroup(reader: InventoryReader, file: YamlFile, entry: YamlEntry, path: string): Group | undefined {
  const report = (offset: number, at: string, message: string): void =>
    reader.problems.add(reader.source.problem(offset, at, message));
  if (typeof entry.keyValue !== 'string' || entry.key === '') {
    report(entry.keyPlace.start, path, `a group's name must be text; got ${entry.key}. Put it in quotes.`);
    return undefined;
  }
  const group = reader.graph.addGroup(entry.key);
  if (file.scalar(entry.value) === null) return group;
  const content = file.entries(entry.value);
  if (content === undefined) {
    report(file.place(entry.value).start, path, 'a group is a mapping with hosts, vars and children');
    return group;
  }
  for (const section of content) {
    const at = `${path}.${section.key}`;
    const entries = sectionEntries(file, section);
    if (!sections.includes(section.key))
      report(
        section.keyPlace.start,
        at,
        `a group has hosts, vars and children only; found ${section.key}${didYouMean(section.key, sections)}`,
      );
    else if (entries === undefined)
      report(
        file.place(section.value, section.keyPlace.start).start,
        at,
        `${section.key} must be a mapping, as name: {}; ${found(file, section.value)}`,
      );
    else if (section.key === 'vars') for (const variable of entries) readVariable(reader, file, group, variable);
    else if (section.key === 'hosts')
      for (const host of entries) readHosts(reader, file, group, host, `${at}.${host.key}`);
    else for (const child of entries) readChild(reader, file, group, child, `${at}.${child.key}`);
  }
  return group;
}

/** The entries of a section; one name alone (`hosts: web1`) stands for an entry without content. */
function sectionEntries(file: YamlFile, section: YamlEntry): YamlEntry[] | undefined {
  const value = file.scalar(section.value);
  if (value === null) return [];
  if (typeof value === 'string')
    return [{ key: value, keyValue: value, keyPlace: file.place(section.value), value: null }];
  return file.entries(section.value);
}

function readVariable(reader: InventoryReader, file: YamlFile, group: Group, variable: YamlEntry): void {
  setGroupVariable(reader, group, variable.key, setting(file, variable));
}

function readChild(reader: InventoryReader, file: YamlFile, group: Group, entry: YamlEntry, path: string): void {
  const child = readGroup(reader, file, entry, path);
  if (child !== undefined) enterChild(reader, group, child, entry.keyPlace.start);
}

function readHosts(reader: InventoryReader, file: YamlFile, group: Group, entry: YamlEntry, path: string): void {
  const offset = entry.keyPlace.start;
  if (typeof entry.keyValue !== 'string') {
    reader.problems.add(
      reader.source.problem(offset, path, `a host's name must be text; got ${entry.key}. Put it in quotes.`),
    );
    return;
  }
  const settings = new Map<string, Setting>();
  const variables = file.entries(entry.value);
  const isEmpty = [null, false, '', 0].includes(file.scalar(entry.value) as null);
  if (variables === undefined && !isEmpty) {
    reader.problems.add(
      reader.source.problem(
        file.place(entry.value, offset).start,
        path,
        `a host's variables are a mapping; ${found(file, entry.value)}`,
      ),
    );
    return;
  }
  for (const variable of variables ?? []) settings.set(variable.key, setting(file, variable));
  enterHosts(reader, entry.key, group, offset, settings);
}

function setting(file: YamlFile, variable: YamlEntry): Setting {
  return {
    value: file.value(variable.value),
    place: variable.value === null ? variable.keyPlace : file.place(variable.value),
  };
}

function found(file: YamlFile, node: Node | null): string {
  return Array.isArray(file.value(node)) ? 'found a list' : `found ${JSON.stringify(file.value(node))}`;
}
