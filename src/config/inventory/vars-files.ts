import { readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Value } from '../../model/host.ts';
import { compareText, type Problems } from '../text/problems.ts';
import { placeOf, rememberOrigin } from '../text/origins.ts';
import { parseYaml, setOwn } from '../text/yaml.ts';
import { Source } from '../text/source.ts';
import { isVaultText, type Vault } from '../vault/vault.ts';
import { fileProblem, isFolder, readSource } from '../files.ts';
import type { Setting } from './graph.ts';

export type Settings = ReadonlyMap<string, Setting>;

export interface VarsFilesContext {
  readonly cwd: string;
  readonly vault: Vault;
  readonly problems: Problems;
}

const endings = ['', '.yml', '.yaml', '.json'];

/** Reads `group_vars/` and `host_vars/` of any folder, each file once. */
export class VarsFiles {
  readonly #context: VarsFilesContext;
  readonly #names = new Map<string, ReadonlySet<string>>();
  readonly #settings = new Map<string, Settings>();

  constructor(context: VarsFilesContext) {
    this.#context = context;
  }

  /** Variables of a group or host by its name, later files over earlier ones; empty when there is no file. */
  settings(folder: string, kind: 'group_vars' | 'host_vars', name: string): Settings {
    const base = join(folder, kind);
    const present = this.#list(base);
    if (present.size === 0) return none;
    const found = endings.find((ending) => present.has(name + ending));
    if (found === undefined) return none;
    return this.#read(join(base, name + found));
  }

  #list(folder: string): ReadonlySet<string> {
    let names = this.#names.get(folder);
    if (names === undefined) {
      names = new Set(isFolder(folder) ? readdirSync(folder) : []);
      this.#names.set(folder, names);
    }
    return names;
  }

  #read(path: string): Settings {
    let settings = this.#settings.get(path);
    if (settings === undefined) {
      settings = merged(filesBelow(path).map((file) => readVarsFile(file, this.#context)));
      this.#settings.set(path, settings);
    }
    return settings;
  }
}

const none: Settings = new Map();

/** The file itself, or every file of a folder and its folders, in order of names. */
function filesBelow(path: string): string[] {
  if (!isFolder(path)) return [path];
  return readdirSync(path)
    .sort(compareText)
    .filter((name) => !name.startsWith('.') && !name.endsWith('~'))
    .flatMap((name) => {
      const below = join(path, name);
      if (isFolder(below)) return extname(name) === '' ? filesBelow(below) : [];
      return endings.includes(extname(name)) ? [below] : [];
    });
}

/** Later settings over earlier ones. */
export function merged(layers: readonly Settings[]): Settings {
  const filled = layers.filter(({ size }) => size > 0);
  if (filled.length <= 1) return filled[0] ?? none;
  const result = new Map<string, Setting>();
  for (const layer of filled) for (const [key, setting] of layer) result.set(key, setting);
  return result;
}

/** Reads a file of variables: a mapping, or nothing at all. */
export function readVarsFile(path: string, { cwd, vault, problems }: VarsFilesContext): Settings {
  const source = readSource(path, cwd);
  if (!(source instanceof Source)) {
    problems.add(fileProblem(path, cwd, `these variables cannot be read: ${source.problem}`));
    return none;
  }
  if (isVaultText(source.text)) return readEncrypted(source, { cwd, vault, problems });
  return parseVariables(source, { cwd, vault, problems });
}

function readEncrypted(source: Source, context: VarsFilesContext): Settings {
  const text = context.vault.file(source.text, { source, start: 0, end: 0 });
  if (text === undefined) return none;
  const settings = parseVariables(new Source(source.file, text, { isConfidential: true }), context);
  return new Map(
    [...settings].map(([key, { value, place }]) => [
      key,
      { value: concealed(value, `${source.file} ${key}`, context.vault), place },
    ]),
  );
}

/** Every text and number of an encrypted file is a secret. */
function concealed(value: Value, name: string, vault: Vault): Value {
  if (typeof value === 'string' || typeof value === 'number') return vault.valueOfFile(String(value), name);
  if (Array.isArray(value)) {
    const items = value as readonly Value[];
    const list = items.map((item) => concealed(item, name, vault));
    rememberOrigin(list, (key) => placeOf(items, key));
    return list;
  }
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const mapping: Record<string, Value> = {};
  for (const [key, item] of Object.entries(value as Record<string, Value>))
    setOwn(mapping, key, concealed(item, `${name}.${key}`, vault));
  rememberOrigin(mapping, (key) => placeOf(value, key));
  return mapping;
}

function parseVariables(source: Source, { vault, problems }: VarsFilesContext): Settings {
  const file = parseYaml(source, { scalars: 'ansible', vault: vault.value.bind(vault) }, problems);
  if (file === undefined) return none;
  const entries = file.entries(file.root);
  if (entries === undefined) {
    if (file.value(file.root) !== null)
      problems.add(source.problem(0, '', 'a file of variables is a mapping; write name: value'));
    return none;
  }
  return new Map(
    entries.map((entry) => [
      entry.key,
      { value: file.value(entry.value), place: entry.value === null ? entry.keyPlace : file.place(entry.value) },
    ]),
  );
}
