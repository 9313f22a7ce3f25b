import type { Value } from '../../model/host.ts';
import { Secret } from '../../model/secret.ts';
import { ciphertextOf } from '../vault/vault.ts';
import type { Group, Member } from './graph.ts';
import type { Inventory } from './inventory.ts';
import type { Settings } from './vars-files.ts';

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
  const hostvars: { [key: string]: Json } = {};
  for (const member of graph.hostsOf(graph.all)) {
    const vars = hostVariables(inventory, member, extraVars);
    if (Object.keys(vars).length > 0) hostvars[member.name] = vars;
  }
  addGroup(graph.all, new Set());
  result['_meta'] = { hostvars };
  return toJson(result);

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
      add(`{${key} = ${pythonText(toPlain(value))}}`, depth);
  }

  function add(text: string, depth: number): void {
    lines.push(depth === 0 ? text : `${'  |'.repeat(depth)}--${text}`);
  }
}

function hostVariables(inventory: Inventory, member: Member, extraVars: Settings): { [key: string]: Json } {
  const vars: { [key: string]: Json } = {};
  for (const [key, { value }] of inventory.settings(member)) if (!internalNames.has(key)) vars[key] = toPlain(value);
  for (const [key, { value }] of extraVars) if (!internalNames.has(key)) vars[key] = toPlain(value);
  return vars;
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
  return Object.fromEntries(Object.entries(value as Record<string, Value>).map(([key, item]) => [key, toPlain(item)]));
}

/** JSON with keys in order and an indent of four, as Ansible prints it. */
function toJson(value: Json): string {
  return JSON.stringify(sorted(value), undefined, 4);
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key] ?? null)]));
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
