import type { Problems } from '../text/problems.ts';
import type { Secret } from '../../model/secret.ts';
import type { Place, Source } from '../text/source.ts';
import { BadRange, expandRanges, parseAddress } from './address.ts';
import { GroupLoop, type Group, type InventoryGraph, type Setting } from './graph.ts';

/** What every format of inventory needs: the graph to fill, the source to blame, the list of problems. */
export interface InventoryReader {
  readonly graph: InventoryGraph;
  readonly source: Source;
  readonly problems: Problems;
  /** The file that new hosts are said to come from: an absolute path. */
  readonly file: string;
  /** Reads a vaulted value; it reports what it cannot read by itself. */
  readonly decrypt: (ciphertext: string, place: Place) => Secret | undefined;
}

/** Enters the hosts that a pattern names (`web[1:3]:2222`) into a group, each with the settings. */
export function enterHosts(
  reader: InventoryReader,
  pattern: string,
  group: Group,
  offset: number,
  settings: ReadonlyMap<string, Setting>,
): void {
  const { graph, source, problems, file } = reader;
  const report = (message: string): void => problems.add(source.problem(offset, pattern, message));
  if (pattern.trim() === '') {
    report('a host needs a name');
    return;
  }
  if (pattern.trim() === '---') {
    report('--- begins a YAML file, but this is read as INI; give the file the ending .yaml');
    return;
  }
  const address = parseAddress(pattern);
  if (pattern.trim().endsWith(':') && address?.port === undefined) {
    report('a host name cannot end in a colon; write name:port, or give a YAML inventory the ending .yaml');
    return;
  }
  const port: Setting | undefined =
    address?.port === undefined
      ? undefined
      : { value: address.port, place: { source, start: offset, end: offset + pattern.length } };
  try {
    for (const name of expandRanges(address?.host ?? pattern)) {
      const member = graph.addHost(name, group, file, port);
      for (const [key, setting] of settings) member.vars.set(key, setting);
    }
  } catch (error) {
    if (!(error instanceof BadRange)) throw error;
    report(error.message);
  }
}

export function enterChild(reader: InventoryReader, group: Group, child: Group, offset: number): void {
  try {
    reader.graph.addChild(group, child);
  } catch (error) {
    if (!(error instanceof GroupLoop)) throw error;
    reader.problems.add(
      reader.source.problem(offset, child.name, `groups go round in a circle: ${error.message}; take one of them out`),
    );
  }
}

/** Sets a variable of a group; `ansible_group_priority` is not one, but the group's rank among its equals. */
export function setGroupVariable(reader: InventoryReader, group: Group, key: string, setting: Setting): void {
  if (key !== 'ansible_group_priority') {
    group.vars.set(key, setting);
    return;
  }
  const priority = Number(setting.value);
  if (Number.isInteger(priority) && typeof setting.value !== 'boolean') group.priority = priority;
  else
    reader.problems.add(
      reader.source.problem(
        setting.place?.start ?? 0,
        `${group.name}.ansible_group_priority`,
        `must be a whole number; got ${JSON.stringify(setting.value)}`,
      ),
    );
}
