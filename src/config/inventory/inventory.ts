import { dirname } from 'node:path';
import type { Value } from '../../model/host.ts';
import { isIpAddress } from './address.ts';
import { inOrderOfPrecedence, Member, type Group, type InventoryGraph, type Setting } from './graph.ts';
import { merged, type Settings, type VarsFiles } from './vars-files.ts';

/** Groups, hosts and, in Ansible's order of precedence, what each host's variables are. */
export class Inventory {
  readonly graph: InventoryGraph;
  readonly #varsFiles: VarsFiles;
  readonly #inventoryFolders: readonly string[];
  readonly #playbookFolder: string | undefined;
  readonly #ofGroups = new Map<string, Settings>();
  readonly #ofHosts = new Map<Member, Settings>();
  #implicitLocalhost: Member | undefined;
  #groupNames: Readonly<Record<string, readonly string[]>> | undefined;

  constructor(
    graph: InventoryGraph,
    varsFiles: VarsFiles,
    folders: { readonly inventory: readonly string[]; readonly playbook: string | undefined },
  ) {
    this.graph = graph;
    this.#varsFiles = varsFiles;
    this.#inventoryFolders = folders.inventory;
    this.#playbookFolder = folders.playbook;
  }

  /** The variables of a host, magic ones aside. */
  settings(member: Member): Settings {
    let settings = this.#ofHosts.get(member);
    if (settings === undefined) {
      settings = merged([this.#groupSettings(member), member.vars, ...this.#filesFor('host_vars', [member.name])]);
      this.#ofHosts.set(member, settings);
    }
    return settings;
  }

  /** What holds for every host: the variables of `all`. */
  get settingsOfAll(): Settings {
    return this.settingsOfGroup(this.graph.all);
  }

  /** What a group itself sets, in its inventory or in files of its name. */
  settingsOfGroup(group: Group): Settings {
    return merged([group.vars, ...this.#filesFor('group_vars', [group.name])]);
  }

  /** Every setting of a variable that concerns a host, also those that others override. */
  everySetting(member: Member, name: string): Setting[] {
    const groups = inOrderOfPrecedence(this.graph.groupsOf(member));
    const layers = [
      ...groups.map(({ vars }) => vars),
      ...this.#filesFor(
        'group_vars',
        groups.map((group) => group.name),
      ),
      member.vars,
      ...this.#filesFor('host_vars', [member.name]),
    ];
    return layers.flatMap((layer) => layer.get(name) ?? []);
  }

  /** The groups of a host but `all`, by name. */
  groupNames(member: Member): string[] {
    return [...this.graph.groupsOf(member)]
      .filter((group) => group !== this.graph.all)
      .map(({ name }) => name)
      .sort();
  }

  /** `groups`: the hosts of every group. */
  get groups(): Readonly<Record<string, readonly string[]>> {
    this.#groupNames ??= Object.fromEntries(
      [...this.graph.groups.values()].map((group) => [
        group.name,
        [...this.graph.hostsOf(group)].map(({ name }) => name),
      ]),
    );
    return this.#groupNames;
  }

  /** `inventory_hostname` and its like. */
  magic(member: Member): Readonly<Record<string, Value>> {
    return {
      inventory_hostname: member.name,
      inventory_hostname_short: isIpAddress(member.name) ? member.name : (member.name.split('.')[0] ?? member.name),
      group_names: this.groupNames(member),
      inventory_file: member.file ?? null,
      inventory_dir: member.file === undefined ? null : dirname(member.file),
    };
  }

  /** `localhost` of those who never wrote it down: reached without SSH, and in no group. */
  localhost(name: string): Member {
    if (this.#implicitLocalhost === undefined) {
      const member = new Member(name, undefined);
      member.vars.set('ansible_connection', { value: 'local', place: undefined });
      this.#implicitLocalhost = member;
    }
    return this.#implicitLocalhost;
  }

  /** Hosts in the same groups share what these give them. */
  #groupSettings(member: Member): Settings {
    const groups = inOrderOfPrecedence(this.graph.groupsOf(member)).filter((group) => group !== this.graph.all);
    const key = groups.map(({ name }) => name).join('\0');
    let settings = this.#ofGroups.get(key);
    if (settings === undefined) {
      settings = this.#mergeGroups(groups);
      this.#ofGroups.set(key, settings);
    }
    return settings;
  }

  #mergeGroups(groups: readonly Group[]): Settings {
    const names = groups.map(({ name }) => name);
    return merged([
      this.graph.all.vars,
      ...groups.map(({ vars }) => vars),
      ...this.#filesFor('group_vars', ['all']),
      ...this.#filesFor('group_vars', names),
    ]);
  }

  /** Files beside each inventory first, then those beside the playbook; within a folder in the order of the names. */
  #filesFor(kind: 'group_vars' | 'host_vars', names: readonly string[]): Settings[] {
    const folders =
      this.#playbookFolder === undefined ? this.#inventoryFolders : [...this.#inventoryFolders, this.#playbookFolder];
    return folders.flatMap((folder) =>
      names.filter((name) => !name.startsWith('/')).map((name) => this.#varsFiles.settings(folder, kind, name)),
    );
  }
}
