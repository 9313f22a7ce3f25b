import type { Value } from '../../model/host.ts';
import type { Place } from '../text/source.ts';

/** One variable as an inventory sets it, and where. */
export interface Setting {
  readonly value: Value;
  readonly place: Place | undefined;
}

export class Group {
  readonly name: string;
  readonly vars = new Map<string, Setting>();
  readonly children = new Set<Group>();
  readonly parents = new Set<Group>();
  /** Direct members, in order. */
  readonly members = new Set<Member>();
  /** `ansible_group_priority`. */
  priority = 1;
  /** The longest way from `all`: deeper groups override. */
  depth = 0;

  constructor(name: string) {
    this.name = name;
  }
}

/** A host of the inventory, before its variables are put together. */
export class Member {
  readonly name: string;
  readonly vars = new Map<string, Setting>();
  /** Groups that name it directly. */
  readonly groups = new Set<Group>();
  /** The source that named it first: `inventory_file`. */
  readonly file: string | undefined;

  constructor(name: string, file: string | undefined) {
    this.name = name;
    this.file = file;
  }
}

/** Why groups cannot be put together like this: `a → b → a`. */
export class GroupLoop extends Error {}

/** Groups and hosts as the sources name them, in their order. */
export class InventoryGraph {
  readonly groups = new Map<string, Group>();
  readonly hosts = new Map<string, Member>();
  readonly all: Group;
  readonly ungrouped: Group;

  constructor() {
    this.all = this.addGroup('all');
    this.ungrouped = this.addGroup('ungrouped');
    this.addChild(this.all, this.ungrouped);
  }

  addGroup(name: string): Group {
    let group = this.groups.get(name);
    if (group === undefined) {
      group = new Group(name);
      this.groups.set(name, group);
    }
    return group;
  }

  /** A port given with the name counts where the host is named first, as in Ansible. */
  addHost(name: string, group: Group | undefined, file: string | undefined, port?: Setting): Member {
    let member = this.hosts.get(name);
    if (member === undefined) {
      member = new Member(name, file);
      if (port !== undefined) member.vars.set('ansible_port', port);
      this.hosts.set(name, member);
    }
    if (group !== undefined) {
      group.members.add(member);
      member.groups.add(group);
    }
    return member;
  }

  /** @throws GroupLoop when the child is above the group already. */
  addChild(group: Group, child: Group): void {
    const way = findWay(child, group);
    if (way !== undefined) throw new GroupLoop([group.name, ...way.map(({ name }) => name)].join(' → '));
    group.children.add(child);
    child.parents.add(group);
  }

  /** Brings in what Ansible adds at the end: every group below `all`, hosts without a group in `ungrouped`. */
  reconcile(): void {
    for (const group of this.groups.values())
      if (group !== this.all && group.parents.size === 0) this.addChild(this.all, group);
    for (const member of this.hosts.values()) {
      const others = [...this.groupsOf(member)].some((group) => group !== this.all && group !== this.ungrouped);
      if (others) {
        this.ungrouped.members.delete(member);
        member.groups.delete(this.ungrouped);
      } else if (!member.groups.has(this.ungrouped)) {
        this.ungrouped.members.add(member);
        member.groups.add(this.ungrouped);
      }
    }
    this.#measureDepths();
  }

  /** The groups that a host is in, directly or through children. */
  groupsOf(member: Member): Set<Group> {
    const groups = new Set<Group>(member.groups);
    // A set yields what is added while it is walked.
    for (const group of groups) for (const parent of group.parents) groups.add(parent);
    return groups;
  }

  /** Hosts of a group and of the groups below it, nearer groups first. */
  hostsOf(group: Group): Set<Member> {
    const groups = new Set<Group>([group]);
    const hosts = new Set<Member>();
    for (const next of groups) {
      for (const member of next.members) hosts.add(member);
      for (const child of next.children) groups.add(child);
    }
    return hosts;
  }

  #measureDepths(): void {
    const pending = new Map([...this.groups.values()].map((group) => [group, group.parents.size]));
    const ready = new Set<Group>([this.all]);
    for (const group of ready) {
      for (const child of group.children) {
        child.depth = Math.max(child.depth, group.depth + 1);
        const left = (pending.get(child) ?? 1) - 1;
        pending.set(child, left);
        if (left === 0) ready.add(child);
      }
    }
  }
}

/** Groups in the order in which their variables count: parents before children, then priority, then name. */
export function inOrderOfPrecedence(groups: Iterable<Group>): Group[] {
  return [...groups].sort(
    (a, b) => a.depth - b.depth || a.priority - b.priority || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
}

function findWay(from: Group, to: Group): Group[] | undefined {
  if (from === to) return [from];
  const cameFrom = new Map<Group, Group | undefined>([[from, undefined]]);
  for (const [group] of cameFrom) {
    for (const child of group.children) {
      if (cameFrom.has(child)) continue;
      cameFrom.set(child, group);
      if (child !== to) continue;
      const way: Group[] = [];
      for (let at: Group | undefined = child; at !== undefined; at = cameFrom.get(at)) way.unshift(at);
      return way;
    }
  }
  return undefined;
}
