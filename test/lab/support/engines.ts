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

/** Those of them that `npm test` leaves to `npm run test:engines` on the newest docker: they take minutes. */
const longSuites = ['contract', 'chaos', 'crash-loops', 'services-convergence'];

/** What `npm test` runs beside the machine's own docker, which every lab test runs on. */
export const newestEngine = 'engine-sid-overlay2-systemd';

/** `all`; `other`: all but the machine's, which every lab test runs on; otherwise what `npm test` runs. */
export function enginesFor(asked: string | undefined): readonly (Engine & { readonly suites: readonly string[] })[] {
  const asAsked = engines.filter(({ project, system }) =>
    asked === 'all' ? true : asked === 'other' ? system.release !== 'machine' : project === newestEngine,
  );
  const isInTest = asked !== 'all' && asked !== 'other';
  const suites = engineSuites.filter((suite) => !isInTest || !longSuites.includes(suite));
  return asAsked.map((item) => ({ ...item, suites }));
}

/** The system of a project's hosts: that of its engine, otherwise the machine's. */
export const systemOf = (project: string): HostSystem | undefined =>
  engines.find((item) => item.project === project)?.system;
