import type { Host } from '../model/host.ts';
import { didYouMean } from '../model/closest.ts';
import type { Secret } from '../model/secret.ts';
import { loadInventory } from './inventory/load.ts';
import { PatternError, selectHosts } from './inventory/patterns.ts';
import { HostFactory, type HostOptions } from './playbook/hosts.ts';
import { Scopes } from './playbook/scopes.ts';
import { TemplateEngine } from './template/engine.ts';
import { Problems } from './text/problems.ts';
import { Source } from './text/source.ts';
import { readDecryption, type VaultPasswordOptions } from './vault/password.ts';
import { Vault } from './vault/vault.ts';

/** Hosts of an inventory, without any playbook. */
export interface InventoryHosts {
  readonly hosts: readonly Host[];
  /** What must not be shown of them. */
  readonly secrets: readonly Secret[];
  /** Every group with the names of its hosts. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

/** The hosts that a pattern selects, ready to be connected to. @throws ConfigError with every problem */
export async function inventoryHosts(
  sources: readonly string[],
  pattern: string,
  options: HostOptions & VaultPasswordOptions & { readonly cwd: string },
): Promise<InventoryHosts> {
  const problems = new Problems();
  const vault = new Vault(await readDecryption(options, problems), problems);
  const inventory = await loadInventory({ ...options, sources, vault, problems });
  problems.throwIfAny();
  const scopes = new Scopes({
    engine: new TemplateEngine(),
    inventory,
    extraVars: new Map(),
    playbookVars: new Map(),
    playbookFolder: options.cwd,
  });
  const factory = new HostFactory(scopes, options, problems);
  const asked = new Source('--from-host', pattern);
  try {
    const { members, unmatched } = selectHosts(inventory, pattern, () => []);
    const known = [...inventory.graph.hosts.keys(), ...inventory.graph.groups.keys()];
    for (const part of unmatched)
      problems.add(asked.problem(0, '', `${part} is no host and no group of this inventory${didYouMean(part, known)}`));
    const hosts = members.map((member) => factory.host(member, new Map(), inventory));
    problems.throwIfAny();
    const groups = [...new Set(hosts.flatMap((host) => ['all', ...host.groups]))].map((group) => {
      const { members: all } = selectHosts(inventory, group, () => []);
      return [group, all.map(({ name }) => name)] as const;
    });
    return { hosts, secrets: [...factory.secrets, ...vault.secrets], groups: new Map(groups) };
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    problems.add(asked.problem(0, '', error.message));
    problems.throwIfAny();
    throw error;
  }
}
