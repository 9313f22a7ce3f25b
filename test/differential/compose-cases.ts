import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** Files that docker compose and rollout both read, with what is around them. */
export interface ComposeCase {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  /** The Compose files, in order. */
  readonly compose: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Profiles that are switched on: `--profile` there, `profiles` here. */
  readonly profiles: readonly string[];
  /** `--env-file` there, `env_files` here. */
  readonly envFiles: readonly string[];
  /** Why rollout means something else here, on purpose. */
  readonly differs?: string;
}

/** A group of cases: `@` in its files stands for one of its values. */
interface Group {
  readonly about: string;
  readonly files: Readonly<Record<string, string>>;
  readonly compose?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly profiles?: readonly string[];
  readonly envFiles?: readonly string[];
  readonly values?: readonly string[];
  /** Values for which rollout differs on purpose, by the reason. */
  readonly differs?: Readonly<Record<string, readonly string[]>> | string;
}

const folder = new URL('../cases/compose', import.meta.url).pathname;

/** Every case of test/cases/compose, in the order of its files. */
export function readComposeCases(): ComposeCase[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) => (parse(readFileSync(join(folder, file), 'utf8')) as Group[]).flatMap(casesOf));
}

function casesOf(group: Group): ComposeCase[] {
  const { about, files, compose = ['compose.yaml'], env = {}, profiles = [], envFiles = [], values = [''] } = group;
  const unknown = reasonsOf(group).flatMap(([, listed]) => listed.filter((value) => !values.includes(value)));
  if (unknown.length > 0) throw new Error(`${about}: differs names what is no value: ${unknown.join(', ')}`);
  return values.map((value) => {
    const reason = reasonsOf(group).find(([, listed]) => listed.includes(value))?.[0];
    return {
      name: group.values === undefined ? about : `${about}: ${JSON.stringify(value)}`,
      files: Object.fromEntries(Object.entries(files).map(([name, text]) => [name, text.replaceAll('@', () => value)])),
      compose,
      env,
      profiles,
      envFiles,
      ...(reason === undefined ? {} : { differs: reason }),
    };
  });
}

function reasonsOf({ differs = {}, values = [''] }: Group): [reason: string, values: readonly string[]][] {
  return typeof differs === 'string' ? [[differs, values]] : Object.entries(differs);
}
