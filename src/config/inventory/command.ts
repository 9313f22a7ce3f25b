import { ConfigError, type Problem } from '../../model/problem.ts';
import { readExtraVars } from '../extra-vars.ts';
import { readSource, resolvePath } from '../files.ts';
import { Problems } from '../text/problems.ts';
import { Source } from '../text/source.ts';
import { didYouMean } from '../../model/closest.ts';
import { readDecryption } from '../vault/password.ts';
import { Vault } from '../vault/vault.ts';
import type { Member } from './graph.ts';
import type { Inventory } from './inventory.ts';
import { graphInventory, listHost, listInventory } from './listing.ts';
import { loadInventory } from './load.ts';
import { PatternError, selectHosts } from './patterns.ts';

/** What `rollout inventory` is asked for. */
export type ListingAction =
  | { readonly kind: 'list' }
  | { readonly kind: 'graph'; readonly group: string; readonly vars: boolean }
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'hosts'; readonly pattern: string; readonly limit?: string | undefined };

export interface ListingOptions {
  readonly sources: readonly string[];
  readonly extraVars: readonly string[];
  readonly playbookFolder?: string | undefined;
  readonly vaultPasswordFile?: string | undefined;
  readonly askVaultPass?: (() => Promise<string>) | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** What an inventory says, as text. Vaulted values stay encrypted. @throws ConfigError with every problem. */
export async function listing(
  action: ListingAction,
  options: ListingOptions,
): Promise<{ readonly text: string; readonly warnings: readonly Problem[] }> {
  const problems = new Problems();
  const vault = new Vault(await readDecryption(options, problems), problems, true);
  const context = { ...options, vault, problems };
  const inventory = await loadInventory(context);
  const extraVars = readExtraVars(options.extraVars, context);
  problems.throwIfAny();
  const text = answer();
  problems.throwIfAny();
  return { text, warnings: problems.warnings() };

  function answer(): string {
    switch (action.kind) {
      case 'list':
        return listInventory(inventory, extraVars);
      case 'host':
        return listHost(inventory, memberOf(inventory, action.host), extraVars);
      case 'graph':
        return graphOf(inventory, action);
      case 'hosts':
        return selected(inventory, action, options, problems)
          .map(({ name }) => name)
          .join('\n');
    }
  }
}

function memberOf(inventory: Inventory, host: string): Member {
  const { hosts } = inventory.graph;
  const member = hosts.get(host) ?? (isLocal(host) ? inventory.localhost(host) : undefined);
  if (member === undefined)
    throw usage('--host', host, `is no host of this inventory${didYouMean(host, hosts.keys())}`);
  return member;
}

function isLocal(host: string): boolean {
  return ['localhost', '127.0.0.1', '::1'].includes(host);
}

function graphOf(
  inventory: Inventory,
  { group: name, vars }: { readonly group: string; readonly vars: boolean },
): string {
  const { groups } = inventory.graph;
  const group = groups.get(name);
  if (group === undefined)
    throw usage('--graph', name, `is no group of this inventory${didYouMean(name, groups.keys())}`);
  return graphInventory(inventory, group, vars);
}

function selected(
  inventory: Inventory,
  { pattern, limit }: { readonly pattern: string; readonly limit?: string | undefined },
  options: ListingOptions,
  problems: Problems,
): readonly Member[] {
  const hosts = select('--hosts', pattern);
  if (limit === undefined) return hosts;
  const allowed = new Set(select('--limit', limit));
  const left = hosts.filter((member) => allowed.has(member));
  if (left.length === 0) throw usage('--limit', limit, 'leaves no host');
  return left;

  function select(flag: string, written: string): readonly Member[] {
    try {
      const { members, unmatched } = selectHosts(inventory, written, (file) => {
        const read = readSource(resolvePath(options.cwd, file, options.env), options.cwd);
        if (!(read instanceof Source)) throw new PatternError(`${file} cannot be read: ${read.problem}`);
        return read.text.split('\n');
      });
      const source = new Source(flag, written);
      for (const part of unmatched) problems.warn(source.problem(0, '', `${part} matches no host and no group`));
      return members;
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      throw usage(flag, written, error.message);
    }
  }
}

function usage(flag: string, written: string, message: string): ConfigError {
  return new ConfigError([new Source(flag, written).problem(0, '', message)]);
}
