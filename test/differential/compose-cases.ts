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
  /** What docker compose 2.26 makes of it where 2.40 does not: there the verdict is the other one. */
  readonly older?: string;
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
  readonly differs?: Reasons;
  /** Values for which docker compose 2.26 is not as 2.40, by what it does. */
  readonly older?: Reasons;
}

type Reasons = Readonly<Record<string, readonly string[]>> | string;

const folder = new URL('../cases/compose', import.meta.url).pathname;

/** Every case of test/cases/compose, in the order of its files. */
export function readComposeCases(): ComposeCase[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) => (parse(readFileSync(join(folder, file), 'utf8')) as Group[]).flatMap(casesOf));
}

function casesOf(group: Group): ComposeCase[] {
  const { about, files, compose = ['compose.yaml'], env = {}, profiles = [], envFiles = [], values = [''] } = group;
  const listed = (['differs', 'older'] as const).map((key) => ({ key, reasons: reasonsOf(group[key] ?? {}, values) }));
  for (const { key, reasons } of listed) {
    const unknown = reasons.flatMap(([, named]) => named.filter((value) => !values.includes(value)));
    if (unknown.length > 0) throw new Error(`${about}: ${key} names what is no value: ${unknown.join(', ')}`);
  }
  return values.map((value) => ({
    name: group.values === undefined ? about : `${about}: ${JSON.stringify(value)}`,
    files: Object.fromEntries(Object.entries(files).map(([name, text]) => [name, text.replaceAll('@', () => value)])),
    compose,
    env,
    profiles,
    envFiles,
    ...Object.fromEntries(
      listed.flatMap(({ key, reasons }) => {
        const reason = reasons.find(([, named]) => named.includes(value))?.[0];
        return reason === undefined ? [] : [[key, reason]];
      }),
    ),
  }));
}

function reasonsOf(reasons: Reasons, values: readonly string[]): [reason: string, values: readonly string[]][] {
  return typeof reasons === 'string' ? [[reasons, values]] : Object.entries(reasons);
}

/** Why a docker compose is expected to differ from rollout; undefined where both mean the same. */
export function expectedDifference({ differs, older }: ComposeCase, compose: 'newest' | 'older'): string | undefined {
  if (compose === 'newest' || older === undefined) return differs;
  // What only one of the two does otherwise: the older one is as rollout where the newest is not.
  return differs === undefined ? older : undefined;
}
