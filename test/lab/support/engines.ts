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

/** `all`; `other`: those that `npm test` leaves out; otherwise those that it runs. */
export function enginesFor(asked: string | undefined): readonly Engine[] {
  if (asked === 'all') return engines;
  const isInTest = ({ project, system }: Engine): boolean => project === newestEngine || system.release === 'machine';
  if (asked === 'other') return engines.filter((item) => !isInTest(item));
  return engines.filter(({ project }) => project === newestEngine);
}

/** The system of a project's hosts: that of its engine, otherwise the machine's. */
export const systemOf = (project: string): HostSystem | undefined =>
  engines.find((item) => item.project === project)?.system;
