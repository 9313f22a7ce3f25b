import type { Value } from '../../model/host.ts';
import { Secret } from '../../model/secret.ts';
import { safeJson } from '../../model/unsafe-text.ts';
import { setOwn } from '../text/yaml.ts';
import { ciphertextOf } from '../vault/vault.ts';
import type { Group, Member } from './graph.ts';
import type { Inventory } from './inventory.ts';
import { merged, type Settings } from './vars-files.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Names that Ansible counts as its own and leaves out of its listings. */
const internalNames = new Set([
  'ansible_diff_mode',
  'ansible_config_file',
  'ansible_facts',
  'ansible_forks',
  'ansible_inventory_sources',
  'ansible_limit',
  'ansible_playbook_python',
  'ansible_run_tags',
  'ansible_skip_tags',
  'ansible_verbosity',
  'ansible_version',
  'inventory_dir',
  'inventory_file',
  'inventory_hostname',
  'inventory_hostname_short',
  'groups',
  'group_names',
  'omit',
  'playbook_dir',
]);

/** `--list`: every group with its hosts and children, and the variables of every host under `_meta`. */
export function listInventory(inventory: Inventory, extraVars: Settings): string {
  const { graph } = inventory;
  const result: { [key: string]: Json } = {};
  addGroup(graph.all, new Set());
  const hostvars = new Map<string, Json>();
  for (const member of graph.hostsOf(graph.all)) {
    const vars = hostVariables(inventory, member, extraVars);
    if (Object.keys(vars).length > 0) hostvars.set(member.name, vars);
  }
  result['_meta'] = { hostvars: inOrder([...hostvars.keys()], (name) => hostvars.get(name) ?? null) };
  return toJson(inOrder(Object.keys(result), (name) => result[name] ?? null));

  function addGroup(group: Group, seen: Set<Group>): void {
    const children = [...group.children];
    const hosts = group === graph.all ? [] : [...group.members];
    if (hosts.length > 0 || children.length > 0)
      result[group.name] = {
        ...(children.length > 0 ? { children: children.map(({ name }) => name) } : {}),
        ...(hosts.length > 0 ? { hosts: hosts.map(({ name }) => name) } : {}),
      };
    for (const child of children) {
      if (seen.has(child)) continue;
      seen.add(child);
      addGroup(child, seen);
    }
  }
}

/** `--host`: the variables of one host. */
export function listHost(inventory: Inventory, member: Member, extraVars: Settings): string {
  return toJson(hostVariables(inventory, member, extraVars));
}

/** `--graph`: groups and hosts as a tree of text, from one group down. */
export function graphInventory(inventory: Inventory, group: Group, withVars: boolean): string {
  const lines: string[] = [];
  addGroup(group, 0);
  return lines.join('\n');

  function addGroup(at: Group, depth: number): void {
    add(`@${at.name}:`, depth);
    for (const child of at.children) addGroup(child, depth + 1);
    if (at !== inventory.graph.all)
      for (const member of at.members) {
        add(member.name, depth + 1);
        if (withVars) addVars(inventory.settings(member), depth + 2);
      }
    if (withVars) addVars(inventory.settingsOfGroup(at), depth + 1);
  }

  function addVars(settings: Settings, depth: number): void {
    for (const [key, { value }] of [...settings].sort(([a], [b]) => (a < b ? -1 : 1)))
      add(`{${key} = ${pythonText(value instanceof Secret ? value.toString() : toPlain(value))}}`, depth);
  }

  function add(text: string, depth: number): void {
    lines.push(depth === 0 ? text : `${'  |'.repeat(depth)}--${text}`);
  }
}

function hostVariables(inventory: Inventory, member: Member, extraVars: Settings): { [key: string]: Json } {
  const settings = extraVars.size === 0 ? inventory.settings(member) : merged([inventory.settings(member), extraVars]);
  const names = [...settings.keys()].filter((name) => !internalNames.has(name));
  return inOrder(names, (name) => toPlain(settings.get(name)?.value ?? null));
}

/** Secrets as Ansible shows them: encrypted. Those that have no encrypted form of their own show their name. */
function toPlain(value: Value): Json {
  if (value instanceof Secret) {
    const ciphertext = ciphertextOf(value);
    return ciphertext === undefined ? value.toString() : { __ansible_vault: ciphertext };
  }
  if (typeof value === 'string') return value.replace(/^\{% raw %\}([^]*)\{% endraw %\}$/, '$1');
  if (Array.isArray(value)) return (value as readonly Value[]).map(toPlain);
  if (typeof value !== 'object' || value === null) return value;
  return inOrder(Object.keys(value), (key) => toPlain((value as Readonly<Record<string, Value>>)[key] ?? null));
}

/** JSON with an indent of four, as Ansible prints it. Keys are put in order where each mapping is made. */
function toJson(value: Json): string {
  return safeJson(JSON.stringify(value, undefined, 4));
}

function inOrder(keys: string[], valueOf: (key: string) => Json): { [key: string]: Json } {
  const mapping: { [key: string]: Json } = {};
  for (const key of keys.sort()) setOwn(mapping, key, valueOf(key));
  return mapping;
}

/** As Python prints a value, which is how `--graph --vars` shows them. */
function pythonText(value: Json, nested = false): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return nested ? `'${value.replaceAll("'", "\\'")}'` : value;
  if (Array.isArray(value)) return `[${value.map((item) => pythonText(item, true)).join(', ')}]`;
  return `{${Object.entries(value)
    .map(([key, item]) => `'${key}': ${pythonText(item, true)}`)
    .join(', ')}}`;
}
