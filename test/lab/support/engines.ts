import type { HostSystem } from './system.ts';

/** A docker that the project is tried on: what runs it, where it keeps images, and which version its cgroups have. */
export interface Engine {
  /** The name of its vitest project. */
  readonly project: string;
  readonly system: HostSystem;
}

const engine = (
  release: HostSystem['release'],
  store: HostSystem['store'] = 'overlay2',
  init: HostSystem['init'] = 'simple',
): Engine => ({ project: `engine-${release}-${store}-${init}`, system: { release, init, store } });

/** With the hosts' own init on the machine's cgroups, which are version 1 where that is mounted; systemd brings version 2. */
export const engines: readonly Engine[] = [
  engine('machine'),
  engine('bookworm', 'overlay2', 'systemd'),
  ...(['trixie', 'sid'] as const).flatMap((release) => [
    engine(release, 'overlay2', 'simple'),
    engine(release, 'overlay2', 'systemd'),
    engine(release, 'containerd', 'simple'),
    engine(release, 'containerd', 'systemd'),
  ]),
  engine('resolute', 'overlay2', 'systemd'),
  engine('resolute', 'containerd', 'simple'),
  engine('resolute', 'containerd', 'systemd'),
];

/** What meets docker itself: the suites that run on each of them. */
export const engineSuites = [
  'contract',
  'chaos',
  'crash-loops',
  'refusals',
  'services-convergence',
  'services-differential',
];

/** What `npm test` runs beside the machine's own docker, which every lab test runs on. */
export const newestEngine = 'engine-sid-overlay2-systemd';

/** What needs hosts with a root file system of their own, and what takes minutes and meets few dockers only. */
const newestSuites = ['systems', 'newest/**/*'];

/** Ubuntu's docker 29. */
const ubuntuEngine = 'engine-resolute-overlay2-systemd';

/** Of the newest docker, what takes no minutes. */
const testSuites: Readonly<Record<string, readonly string[]>> = {
  [newestEngine]: ['refusals', 'services-differential', 'systems'],
};

/** What CI runs after `npm test`: the newest docker's rest, and a part of two more. */
const ciSuites: Readonly<Record<string, readonly string[]>> = {
  [newestEngine]: ['contract', 'chaos', 'crash-loops', 'services-convergence', 'newest/**/*'],
  'engine-trixie-overlay2-simple': ['crash-loops', 'refusals'],
  'engine-sid-containerd-simple': ['contract', 'crash-loops', 'refusals'],
};

/**
 * The engines that are `asked` for, each with its test files as globs: `all`; `other`, all but the machine's, which
 * every lab test runs on; `ci`; otherwise what `npm test` runs.
 */
export function enginesFor(asked: string | undefined): readonly (Engine & { readonly files: readonly string[] })[] {
  return engines.flatMap((item) => {
    const suites = suitesOf(item, asked);
    return suites.length === 0 ? [] : [{ ...item, files: suites.map((suite) => `test/lab/${suite}.test.ts`) }];
  });
}

function suitesOf({ project, system }: Engine, asked: string | undefined): readonly string[] {
  if (asked === 'ci') return ciSuites[project] ?? [];
  if (asked !== 'all' && asked !== 'other') return testSuites[project] ?? [];
  if (asked === 'other' && system.release === 'machine') return [];
  return [...engineSuites, ...([newestEngine, ubuntuEngine].includes(project) ? newestSuites : [])];
}

/** The system of a project's hosts: that of its engine, otherwise the machine's. */
export const systemOf = (project: string): HostSystem | undefined =>
  engines.find((item) => item.project === project)?.system;
