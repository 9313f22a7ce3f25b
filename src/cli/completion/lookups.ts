import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { expandHome, isFolder } from '../../config/files.ts';
import { journalDir } from '../../store/journal.ts';
import type { Candidate, Lookups } from './candidates.ts';
import type { Understood } from './position.ts';

interface Where {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

const isYaml = (name: string): boolean => /\.ya?ml$/.test(name);
const mostRuns = 20;
/** A file beyond that is no playbook. */
const mostBytes = 4 << 20;

/** Reads files, and nothing else: no connection, no inventory script, no program that prints a secret. */
export function fileLookups({ cwd, env }: Where): Lookups {
  const playbook = (line: Understood): { readonly folder: string; readonly document: unknown } | undefined => {
    const written = playbookOf(line);
    const path = written === undefined ? undefined : resolve(cwd, expandHome(written, env));
    return path === undefined ? undefined : { folder: dirname(path), document: readYaml(path) };
  };
  return {
    playbooks: (word) => [
      ...(word === '' ? entriesOf('playbooks/', cwd, env, isYaml) : []),
      ...entriesOf(word, cwd, env, isYaml),
    ],
    files: (word) => entriesOf(word, cwd, env, () => true),
    runs: () => runsIn(journalDir(env, cwd)),
    hosts: (line) => hostsOf(line, playbook(line), { cwd, env }),
    services: (line) => {
      const found = playbook(line);
      return found === undefined ? [] : named(servicesOf(found.document, found.folder));
    },
    tags: (line) => named(tagsIn(playbook(line)?.document)),
  };
}

function playbookOf({ command, positionals, values }: Understood): string | undefined {
  const index = command.registeredArguments.findIndex((argument) => argument.name() === 'playbook');
  return (
    positionals[index] ?? values.findLast(([flag]) => ['--playbook', '--from-hosts', '--hosts'].includes(flag))?.[1]
  );
}

/** What begins as the word does, in the folder that the word names; folders end in a slash. */
function entriesOf(word: string, cwd: string, env: Where['env'], isWanted: (name: string) => boolean): Candidate[] {
  const written = word.slice(0, word.lastIndexOf('/') + 1);
  const begin = word.slice(written.length);
  const folder = resolve(cwd, expandHome(written === '' ? '.' : written, env));
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter(({ name }) => name.startsWith(begin) && (begin.startsWith('.') || !name.startsWith('.')))
      .flatMap((entry) => {
        const isDir = entry.isDirectory() || (entry.isSymbolicLink() && isFolder(join(folder, entry.name)));
        if (!isDir && !isWanted(entry.name)) return [];
        return [{ value: `${written}${entry.name}${isDir ? '/' : ''}` }];
      })
      .sort((a, b) => (a.value < b.value ? -1 : 1));
  } catch {
    return [];
  }
}

/** The newest first. */
function runsIn(dir: string): Candidate[] {
  try {
    const ids = readdirSync(dir)
      .filter((name) => name.endsWith('.jsonl'))
      .map((name) => name.slice(0, -'.jsonl'.length))
      .sort()
      .reverse()
      .slice(0, mostRuns);
    return ids.length === 0
      ? []
      : [{ value: 'latest', description: 'the newest run' }, ...ids.map((value) => ({ value }))];
  } catch {
    return [];
  }
}

async function hostsOf(
  { values }: Understood,
  playbook: { readonly folder: string; readonly document: unknown } | undefined,
  where: Where,
): Promise<readonly Candidate[]> {
  const given = values
    .filter(([flag]) => flag === '--inventory' || flag === '--from-ansible')
    .map(([, value]) => value);
  const ofPlaybook = playbook === undefined ? [] : texts(field(playbook.document, 'inventory'));
  const sources =
    given.length > 0
      ? given
      : ofPlaybook
          .filter((source) => !source.includes('{{'))
          .map((source) =>
            source.includes(',') || playbook === undefined ? source : absolute(source, playbook.folder, where.env),
          );
  if (sources.length === 0) return [];
  const { readSources } = await import('../../config/inventory/sources.ts');
  const { Problems } = await import('../../config/text/problems.ts');
  const { Vault } = await import('../../config/vault/vault.ts');
  const problems = new Problems();
  const vault = new Vault(undefined, problems);
  const { graph } = await readSources(sources, { ...where, vault, problems, skipsScripts: true });
  return [
    ...[...graph.hosts.keys()].map((value) => ({ value, description: 'host' })),
    ...[...graph.groups.keys()].map((value) => ({ value, description: 'group' })),
  ];
}

function absolute(source: string, folder: string, env: Where['env']): string {
  const path = expandHome(source, env);
  return isAbsolute(path) ? path : join(folder, path);
}

function servicesOf(document: unknown, folder: string): readonly string[] {
  return plays(document).flatMap((play) => {
    const compose = field(play, 'compose');
    const files = texts(typeof compose === 'object' && !Array.isArray(compose) ? field(compose, 'files') : compose);
    const sections = [play, ...files.map((file) => readYaml(resolve(folder, file)))];
    return sections.flatMap((section) => keysOf(field(section, 'services')));
  });
}

/** Every `tags:` of a playbook, wherever it stands. */
function tagsIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(tagsIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    key === 'tags' ? texts(inner).flatMap((text) => text.split(',').map((tag) => tag.trim())) : tagsIn(inner),
  );
}

function readYaml(path: string): unknown {
  try {
    if (statSync(path).size > mostBytes) return undefined;
    return parse(readFileSync(path, 'utf8'), { logLevel: 'silent', merge: true }) as unknown;
  } catch {
    return undefined;
  }
}

function plays(document: unknown): readonly unknown[] {
  const list = field(document, 'plays');
  return Array.isArray(list) ? list : [];
}

function field(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}

function keysOf(value: unknown): readonly string[] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
}

function texts(value: unknown): readonly string[] {
  return [value].flat().filter((item) => typeof item === 'string');
}

function named(values: readonly string[]): readonly Candidate[] {
  return [...new Set(values)].map((value) => ({ value }));
}
