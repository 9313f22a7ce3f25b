import { accessSync, closeSync, constants, openSync, readdirSync, readSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { exists, expandHome, fileProblem, isFolder, readSource } from '../files.ts';
import type { Problems } from '../text/problems.ts';
import { Source } from '../text/source.ts';
import { parseYaml } from '../text/yaml.ts';
import { isVaultText, type Vault } from '../vault/vault.ts';
import { parseAddress } from './address.ts';
import { InventoryGraph } from './graph.ts';
import { readIni } from './ini.ts';
import type { InventoryReader } from './reader.ts';
import { readScript } from './script.ts';
import { readYaml } from './yaml.ts';

export interface SourcesContext {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly vault: Vault;
  readonly problems: Problems;
  /** For each call of an inventory script; 60 s by default. */
  readonly scriptTimeoutMs?: number;
  /** Inventory scripts are passed over: nothing is run. */
  readonly skipsScripts?: boolean;
}

export interface InventorySources {
  readonly graph: InventoryGraph;
  /** Folders beside which group_vars and host_vars are looked for, in order. */
  readonly varsFolders: readonly string[];
}

const defaultScriptTimeoutMs = 60_000;

/** Reads every `-i`: files, folders, scripts and comma lists, in order. Problems are collected, never thrown. */
export async function readSources(written: readonly string[], context: SourcesContext): Promise<InventorySources> {
  const graph = new InventoryGraph();
  const varsFolders: string[] = [];
  for (const source of written) {
    const path = resolve(context.cwd, expandHome(source, context.env));
    if (source.includes(',') && !exists(path)) readHostList(graph, source);
    else {
      varsFolders.push(isFolder(path) ? path : dirname(path));
      await readPath(graph, path, context);
    }
  }
  graph.reconcile();
  return { graph, varsFolders: lastOfEach(varsFolders) };
}

/** `h1,h2:2222,`: hosts and nothing else; no ranges. */
function readHostList(graph: InventoryGraph, list: string): void {
  for (const written of list.split(',')) {
    const name = written.trim();
    if (name === '') continue;
    const parsed = parseAddress(name);
    const address = parsed?.host.includes('[') === true ? undefined : parsed;
    const host = address?.host ?? name;
    if (graph.hosts.has(host)) continue;
    const port = address?.port === undefined ? undefined : { value: address.port, place: undefined };
    graph.addHost(host, graph.ungrouped, undefined, port);
  }
}

async function readPath(graph: InventoryGraph, path: string, context: SourcesContext): Promise<void> {
  if (!isFolder(path)) return readFile(graph, path, context);
  const names = readdirSync(path)
    .sort(byCodePoint)
    .filter((name) => !isIgnored(name));
  if (names.length === 0)
    context.problems.add(
      fileProblem(path, context.cwd, 'this folder holds no inventory; hidden files and some endings do not count'),
    );
  for (const name of names) await readPath(graph, join(path, name), context);
}

const ignoredEndings = [
  ...['.pyc', '.pyo', '.swp', '.bak', '~', '.rpm', '.md', '.txt', '.rst'],
  ...['.orig', '.ini', '.cfg', '.retry'],
];

/** What Ansible leaves out of an inventory folder: hidden files, variables, and endings of what is no inventory. */
function isIgnored(name: string): boolean {
  return (
    name.startsWith('.') ||
    ['host_vars', 'group_vars', 'vars_plugins'].includes(name) ||
    ignoredEndings.some((ending) => name.endsWith(ending))
  );
}

async function readFile(graph: InventoryGraph, path: string, context: SourcesContext): Promise<void> {
  const { cwd, env, problems } = context;
  if (isScript(path)) {
    if (context.skipsScripts === true) return;
    const source = new Source(fileProblem(path, cwd, '').file, '');
    const timeoutMs = context.scriptTimeoutMs ?? defaultScriptTimeoutMs;
    return readScript(readerOf(graph, source, path, context), path, { env, cwd, timeoutMs });
  }
  const source = readSource(path, cwd);
  if (!(source instanceof Source)) {
    problems.add(fileProblem(path, cwd, `this inventory cannot be read: ${source.problem}`));
    return;
  }
  const opened = decrypted(source, context);
  if (opened === undefined) return;
  const reader = readerOf(graph, opened, path, context);
  switch (formatOf(path, opened.text)) {
    case 'toml': {
      problems.add(fileProblem(path, cwd, 'TOML inventories are not supported; write it as YAML or INI'));
      return;
    }
    case 'ini': {
      readIni(reader);
      return;
    }
    case 'yaml': {
      const options = { scalars: 'ansible', vault: reader.decrypt } as const;
      const file = parseYaml(opened, options, problems);
      if (file?.root === null || file?.entries(file.root)?.length === 0)
        problems.warn(fileProblem(path, cwd, 'this inventory is empty'));
      if (file !== undefined) readYaml(reader, file);
    }
  }
}

function readerOf(
  graph: InventoryGraph,
  source: Source,
  file: string,
  { problems, vault }: SourcesContext,
): InventoryReader {
  return { graph, source, problems, file, decrypt: vault.value.bind(vault) };
}

function decrypted(source: Source, { vault }: SourcesContext): Source | undefined {
  if (!isVaultText(source.text)) return source;
  const text = vault.file(source.text, { source, start: 0, end: 0 });
  return text === undefined ? undefined : new Source(source.file, text, { isConfidential: true });
}

/** A program: it may be run, and begins as programs begin. */
function isScript(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    const file = openSync(path, 'r');
    try {
      const start = Buffer.alloc(4);
      readSync(file, start, 0, 4, 0);
      return start.toString('latin1').startsWith('#!') || programMarks.some((mark) => start.equals(mark));
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}

/** The first bytes of ELF and Mach-O programs. */
const programMarks = ['7f454c46', 'cffaedfe', 'cafebabe'].map((hex) => Buffer.from(hex, 'hex'));

/** By the ending where it tells; else a file whose first line is a YAML key, `---` or `{` is YAML, and any other INI. */
function formatOf(path: string, text: string): 'yaml' | 'ini' | 'toml' {
  switch (extname(path)) {
    case '.yaml':
    case '.yml':
    case '.json':
      return 'yaml';
    case '.toml':
      return 'toml';
    case '':
      return /^(?:\s*(?:#.*)?\r?\n)*(?:---|\{|["']?[^\s[\]#;=]+["']?\s*:(?:\s|$))/.test(text) ? 'yaml' : 'ini';
    default:
      return 'ini';
  }
}

/** A folder that is named twice counts where it is named last. */
function lastOfEach(folders: readonly string[]): string[] {
  return folders.filter((folder, index) => folders.lastIndexOf(folder) === index);
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
