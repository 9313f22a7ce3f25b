import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { loadPlaybook } from '../../src/config/load.ts';
import { ConfigError } from '../../src/model/problem.ts';
import { keyOf, type HostDesired, type Service } from '../../src/model/service.ts';
import { createProject, type Project } from '../support/project.ts';
import type { ComposeCase } from './compose-cases.ts';

/** `equal`: both take it, for the same; or both refuse it. Otherwise what each of them says. */
export type Comparison =
  | { readonly verdict: 'equal' | 'refused' }
  | { readonly verdict: 'different'; readonly compose: unknown; readonly rollout: unknown };

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Model = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Json>> | null>>>>;

/** Reads a case with docker compose and with rollout, and compares what the files mean. */
export async function compareWithCompose(item: ComposeCase, program: string): Promise<Comparison> {
  using project = createProject({ ...item.files, 'playbook.yaml': playbook(item) });
  const theirs = await readByCompose(item, project, program);
  const ours = await readByRollout(project, item.env);
  if ('refused' in theirs || 'refused' in ours) {
    const both = 'refused' in theirs && 'refused' in ours;
    return both ? { verdict: 'refused' } : { verdict: 'different', compose: theirs, rollout: ours };
  }
  // What docker compose makes of the files is a Compose file again: rollout must take that for the same.
  const again = await readAgain(theirs.model);
  if ('refused' in again) return { verdict: 'different', compose: theirs, rollout: again };
  const [one, other] = [meaningOf(again.desired), meaningOf(ours.desired)];
  if (JSON.stringify(one) !== JSON.stringify(other)) return { verdict: 'different', compose: one, rollout: other };
  // And, without rollout's own reader: what stands in the model itself.
  const [stated, held] = [statedBy(theirs.model), heldBy(ours.desired)];
  return JSON.stringify(stated) === JSON.stringify(held)
    ? { verdict: 'equal' }
    : { verdict: 'different', compose: stated, rollout: held };
}

function playbook({ compose, envFiles, profiles }: Pick<ComposeCase, 'compose' | 'envFiles' | 'profiles'>): string {
  return stringify({
    plays: [
      {
        name: 'p',
        hosts: 'all',
        compose: envFiles.length > 0 ? { files: compose, env_files: envFiles } : compose,
        profiles,
      },
    ],
  });
}

async function readByCompose(
  { compose, env, profiles, envFiles }: ComposeCase,
  { dir }: Project,
  program: string,
): Promise<{ readonly model: Model } | { readonly refused: string }> {
  const options = [
    ...compose.flatMap((file) => ['-f', file]),
    ...profiles.flatMap((profile) => ['--profile', profile]),
    ...envFiles.flatMap((file) => ['--env-file', file]),
  ];
  try {
    const { stdout } = await promisify(execFile)(program, [...options, '-p', 'p', 'config', '--format', 'json'], {
      cwd: dir,
      env: { PATH: process.env['PATH'] ?? '', HOME: dir, ...env },
    });
    return { model: withoutProjectNames(JSON.parse(stdout) as Model) };
  } catch (error) {
    return { refused: String((error as { stderr?: string }).stderr ?? error) };
  }
}

async function readByRollout(
  project: Project,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly desired: HostDesired } | { readonly refused: string }> {
  const options = project.options({ inventories: ['h1,'], env: { HOME: project.dir, ...env } });
  try {
    const loaded = await loadPlaybook(options);
    const [play] = loaded.plays;
    const [host] = play?.hosts ?? [];
    if (play === undefined || host === undefined) throw new Error('the playbook has no host');
    const facts = { hostname: 'h1', cpus: 4, memory_mb: 4096, arch: 'x86_64', os: 'linux', docker_version: '28.0.0' };
    return { desired: loaded.desired(play, host, facts) };
  } catch (error) {
    if (error instanceof ConfigError) return { refused: error.message };
    throw error;
  }
}

async function readAgain(model: Model): ReturnType<typeof readByRollout> {
  const files = { 'compose.yaml': JSON.stringify(model) };
  const item = { compose: ['compose.yaml'], envFiles: [], profiles: ['*'] };
  using project = createProject({ ...files, 'playbook.yaml': playbook(item) });
  return await readByRollout(project, {});
}

/** rollout calls a network or a volume what the file calls it; Compose puts the project's name before it. */
function withoutProjectNames(model: Model): Model {
  return Object.fromEntries(
    Object.entries(model).map(([section, entries]): [string, Model[string]] => {
      if (!['networks', 'volumes', 'configs'].includes(section)) return [section, entries];
      const renamed = Object.entries(entries).map(([key, value]) => {
        const { name, ...rest } = value ?? {};
        return [key, name === undefined || name === `p_${key}` ? rest : { name, ...rest }] as const;
      });
      return [section, Object.fromEntries(renamed)];
    }),
  );
}

/** All that rollout wants of a host, the services in order of their names. */
function meaningOf({ services, networks, volumes }: HostDesired): unknown {
  const used = new Set(services.flatMap(({ spec }) => Object.keys((spec['networks'] ?? {}) as object)));
  const mounted = services.flatMap(({ spec }) => Object.values((spec['volumes'] ?? {}) as Record<string, Json>));
  const sources = mounted.map((mount) => (mount as { source?: string }).source);
  const inDefault = services.filter(({ spec }) => 'p_default' in ((spec['networks'] ?? {}) as object));
  const alone = new Set(inDefault.map(keyOf)).size < 2;
  return {
    services: byName(services).map(({ dependsOn, spec, ...service }) => ({
      ...service,
      dependsOn: [...dependsOn].sort((a, b) => (a.service < b.service ? -1 : 1)),
      spec: ordered(alone ? withoutDefault(spec) : spec),
    })),
    networks: byName(networks.filter(({ name }) => used.has(name) && !(alone && name === 'p_default'))).map(ordered),
    volumes: byName(volumes.filter(({ name }) => sources.includes(name))).map(ordered),
  };
}

/** A service alone in the default network stays on docker's bridge: on purpose. */
function withoutDefault(spec: Service['spec']): Service['spec'] {
  const { networks, ...others } = spec;
  const { p_default: _, ...rest } = (networks ?? {}) as Record<string, never>;
  return Object.keys(rest).length === 0 ? others : { ...others, networks: rest };
}

function byName<Item extends { readonly name: string }>(items: readonly Item[]): Item[] {
  return [...items].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, ordered(item)]),
  );
}

/** What of a service is compared without rollout's own reader. */
interface Plain {
  readonly name: string;
  readonly environment: unknown;
  readonly labels: unknown;
  readonly sysctls: unknown;
  readonly command: readonly string[];
  /** Path and mode of every file. */
  readonly modes: readonly (readonly [string, string])[];
  readonly mounts: readonly string[];
}

interface StatedMount {
  readonly type: string;
  readonly target: string;
  readonly source?: string;
  readonly read_only?: boolean;
  readonly tmpfs?: { readonly mode?: number };
}

/** What the model says of each service with one container, in plain words. */
function statedBy({ services = {}, volumes: named = {} }: Model): unknown {
  return Object.entries(services)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, service]) => {
      const { environment, labels, sysctls, configs, volumes, command, entrypoint, scale, deploy } = service ?? {};
      if ((scale ?? (deploy as { replicas?: number } | undefined)?.replicas ?? 1) !== 1) return [];
      const files = (configs ?? []) as readonly { source: string; target?: string; mode?: string | number }[];
      const mounts = (volumes ?? []) as unknown as readonly StatedMount[];
      const plain: Plain = {
        name,
        environment: texts(environment),
        labels: texts(labels),
        sysctls: texts(sysctls),
        command: [entrypoint ?? [], command ?? []].flat().map((word) => dollars(word as string)),
        modes: files.map(({ source, target = `/${source}`, mode = '0400' }) => [target, octal(mode)]),
        mounts: mounts.map(({ type, target, source = '', read_only: readOnly = false, tmpfs }) => {
          const volume = type === 'volume' ? named[source]?.['name'] : undefined;
          const from = typeof volume === 'string' ? volume : source.replace(/(.)\/$/, '$1');
          return JSON.stringify([target, type, from, readOnly, tmpfs?.mode ?? 0]);
        }),
      };
      return [ordered({ ...plain, mounts: [...plain.mounts].sort() })];
    });
}

interface HeldMount {
  readonly type: string;
  readonly source?: string;
  readonly read_only?: boolean;
  readonly mode?: string;
}

function heldBy({ services }: HostDesired): unknown {
  return byName(services)
    .filter(({ replicaOf }) => replicaOf === undefined)
    .map(({ name, spec }) => {
      const files = (spec['configs'] ?? {}) as Readonly<Record<string, { mode: string }>>;
      const mounts = (spec['volumes'] ?? {}) as unknown as Readonly<Record<string, HeldMount>>;
      const plain: Plain = {
        name,
        environment: spec['environment'] ?? {},
        labels: spec['labels'] ?? {},
        sysctls: spec['sysctls'] ?? {},
        command: [spec['entrypoint'] ?? [], spec['command'] ?? []].flat() as string[],
        modes: Object.entries(files).map(([target, { mode }]) => [target, mode]),
        mounts: Object.entries(mounts).map(([target, { type, source = '', read_only: readOnly = false, mode = '0' }]) =>
          JSON.stringify([target, type, source, readOnly, parseInt(mode, 8)]),
        ),
      };
      return ordered({ ...plain, mounts: [...plain.mounts].sort() });
    });
}

/** 2.26 prints a file's mode as a number, 2.40 as its octal digits. */
const octal = (mode: string | number): string => (typeof mode === 'string' ? mode : `0${mode.toString(8)}`);

function texts(map: Json | undefined): Record<string, string> {
  const entries = Object.entries((map ?? {}) as Record<string, string | null>);
  return Object.fromEntries(entries.flatMap(([key, value]) => (value === null ? [] : [[key, dollars(value)]])));
}

/** In its output docker compose doubles dollars, for whoever reads it as a Compose file. */
function dollars(text: string): string {
  return text.replaceAll('$$', '$');
}
