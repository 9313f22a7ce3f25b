import { count } from '../model/count.ts';
import { extname, resolve } from 'node:path';
import type { Facts } from '../model/host.ts';
import type { Play } from '../model/play.ts';
import { ConfigError, type Problem } from '../model/problem.ts';
import { readComposition } from './composition.ts';
import { isMapping, readDocument } from './document.ts';
import { exists, expandHome, fileProblem, isFolder, nearestFile, readSource } from './files.ts';
import { loadInventory } from './inventory/load.ts';
import { readPlaybook, type LoadedPlaybook, type LoadOptions } from './load.ts';
import { Problems } from './text/problems.ts';
import { Source } from './text/source.ts';
import { readDecryption } from './vault/password.ts';
import { Vault } from './vault/vault.ts';

export interface Validation {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** What a good file is: `playbook shop: 2 plays, 8 hosts`. */
  readonly summary: string;
}

/**
 * Checks a playbook, a composition or an inventory: everything that can be known without connecting and without
 * fetching secrets. A playbook's templates are rendered for every host, with facts of a small and of a large machine.
 */
export async function validateFile(file: string, options: Omit<LoadOptions, 'playbook'>): Promise<Validation> {
  const path = resolve(options.cwd, expandHome(file, options.env));
  if (!exists(path)) return failed([fileProblem(path, options.cwd, `there is no such file${nearestFile(path)}`)]);
  try {
    switch (kindOf(path, options)) {
      case 'playbook':
        return await validatePlaybook({ ...options, playbook: path });
      case 'composition':
        return validateComposition(path, options);
      case 'inventory':
        return await validateInventory(path, options);
    }
  } catch (error) {
    if (error instanceof ConfigError) return failed(error.problems);
    throw error;
  }
}

/** By the keys at the top of the file, for endings can be anything. */
function kindOf(path: string, { cwd }: Pick<LoadOptions, 'cwd'>): 'playbook' | 'composition' | 'inventory' {
  if (isFolder(path) || !['.yaml', '.yml', '.json'].includes(extname(path))) return 'inventory';
  const source = readSource(path, cwd);
  const text = source instanceof Source ? source.text : '';
  // As most files are written; also for those that do not parse, whose errors are worded for what they look like.
  if (/^(["']?)(?:plays|secrets|registries)\1\s*:/m.test(text)) return 'playbook';
  if (/^(["']?)components\1\s*:/m.test(text)) return 'composition';
  const document = readDocument(path, cwd, { scalars: 'core', vault: () => undefined }, new Problems());
  const keys = isMapping(document?.value) ? Object.keys(document.value) : [];
  if (keys.includes('plays') || keys.includes('secrets') || keys.includes('registries')) return 'playbook';
  if (keys.includes('components')) return 'composition';
  if (Array.isArray(document?.value) || keys.includes('name')) return 'playbook';
  const named = /(playbook|composition)[^/]*(?:\/[^/]*)?$/.exec(path)?.[1];
  return named === 'playbook' || named === 'composition' ? named : 'inventory';
}

async function validatePlaybook(options: LoadOptions): Promise<Validation> {
  const { problems, playbook } = await readPlaybook(options, 'check');
  if (playbook === undefined) return failed(problems.errors());
  // Where an inventory or a file of variables is broken, whatever is rendered only repeats that in other words.
  if (problems.errors().every(({ file }) => file === playbook.file))
    for (const play of playbook.plays) problems.addAll(problemsOfHosts(playbook, play));
  const hosts = new Set(playbook.plays.flatMap((play) => play.hosts.map(({ name }) => name)));
  return {
    problems: problems.errors(),
    warnings: problems.warnings(),
    summary: `playbook ${playbook.name}: ${count(playbook.plays.length, 'play')}, ${count(hosts.size, 'host')}`,
  };
}

/** Between them these take both ways of most conditions. */
const imaginedFacts: readonly Omit<Facts, 'hostname'>[] = [
  { cpus: 1, memory_mb: 512, arch: 'aarch64', os: 'linux', docker_version: '20.10.24' },
  { cpus: 64, memory_mb: 262_144, arch: 'x86_64', os: 'linux', docker_version: '28.0.0' },
];

/** The problems of rendering each host, the same problem once, with the hosts that have it. */
function problemsOfHosts(loaded: LoadedPlaybook, play: Play): Problem[] {
  const found = new Map<string, { readonly problem: Problem; readonly hosts: Set<string> }>();
  for (const host of play.hosts) {
    for (const facts of imaginedFacts) {
      for (const problem of problemsOf(() => loaded.desired(play, host, { ...facts, hostname: host.name }))) {
        // What was found may differ from host to host; the place tells whether it is the same mistake.
        const key = JSON.stringify([problem.file, problem.line, problem.column, problem.path]);
        const entry = found.get(key) ?? { problem, hosts: new Set() };
        entry.hosts.add(host.name);
        found.set(key, entry);
      }
    }
  }
  return [...found.values()].map(({ problem, hosts }) =>
    hosts.size === play.hosts.length ? problem : { ...problem, message: `${problem.message} (${namesOf([...hosts])})` },
  );
}

function problemsOf(attempt: () => unknown): readonly Problem[] {
  try {
    attempt();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

function namesOf(hosts: readonly string[]): string {
  const [first = '', second = ''] = hosts;
  if (hosts.length === 1) return `on ${first}`;
  return hosts.length === 2 ? `on ${first} and ${second}` : `on ${first}, ${second} and ${hosts.length - 2} more`;
}

function validateComposition(path: string, { cwd }: Pick<LoadOptions, 'cwd'>): Validation {
  const problems = new Problems();
  const composition = readComposition(path, cwd, problems);
  const summary =
    composition === undefined
      ? ''
      : `composition ${composition.name}: ${count(composition.components.size, 'component')}`;
  return { problems: problems.errors(), warnings: problems.warnings(), summary };
}

async function validateInventory(path: string, options: Omit<LoadOptions, 'playbook'>): Promise<Validation> {
  const problems = new Problems();
  const vault = new Vault(await readDecryption(options, problems), problems, true);
  const inventory = await loadInventory({ ...options, sources: [path], vault, problems });
  // Reading the variables of every host reads every file of variables.
  for (const member of inventory.graph.hosts.values()) inventory.settings(member);
  const { hosts, groups } = inventory.graph;
  return {
    problems: problems.errors(),
    warnings: problems.warnings(),
    summary: `inventory: ${count(hosts.size, 'host')}, ${count(groups.size, 'group')}`,
  };
}

function failed(problems: readonly Problem[]): Validation {
  return { problems, warnings: [], summary: '' };
}
