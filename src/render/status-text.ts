import { formatDuration } from '../model/duration.ts';
import type {
  BalancerStatus,
  FleetStatus,
  HostStatus,
  PlayStatus,
  ServiceStatus,
  TrafficStatus,
} from '../plan/status-model.ts';
import { count } from '../model/count.ts';
import { formatHosts } from './host-list.ts';
import type { Painter, Style } from './paint.ts';
import { changeSigns } from './plan-text.ts';
import { sanitize } from './sanitize.ts';
import { displayWidth, padEnd } from './width.ts';

/** A fleet's status as people read it: hosts in inventory order, unreachable ones last. Without a line end at its end. */
export function formatStatus(status: FleetStatus, paint: Painter): string {
  return status.plays.map((play) => formatPlay(play, paint).join('\n')).join('\n\n');
}

function formatPlay(play: PlayStatus, paint: Painter): readonly string[] {
  const widths = columnWidths(play.hosts.flatMap(({ services }) => services.map(cells)));
  const locks = sharedLocks(play.hosts);
  return [
    `${paint('bold', sanitize(play.play))}: ${headline(play)}`,
    ...(play.balancer === undefined || play.hosts.length + play.unreachable.length === 0
      ? []
      : formatBalancer(play.balancer, play, paint)),
    ...[...locks].map(
      ([holder, names]) => `Locked by ${sanitize(holder)}: ${formatHosts(names.map((name) => sanitize(name)))}`,
    ),
    ...play.hosts.flatMap((host) => ['', ...formatHost(host, { widths, locks }, paint)]),
    ...formatUnreachable(play, paint),
    ...(play.warnings.length === 0 ? [] : ['', ...play.warnings.map((text) => `Warning: ${sanitize(text)}`)]),
  ];
}

/** Who holds several hosts, and which: most often one run has them all. */
function sharedLocks(hosts: readonly HostStatus[]): ReadonlyMap<string, readonly string[]> {
  const held = new Map<string, string[]>();
  for (const { host, lock } of hosts)
    if (lock !== undefined) held.set(lock.holder, [...(held.get(lock.holder) ?? []), host]);
  return new Map([...held].filter(([, names]) => names.length > 1));
}

function headline({ hosts, unreachable }: PlayStatus): string {
  if (hosts.length + unreachable.length === 0) return 'no hosts: the groups that it names are empty';
  const good = hosts.filter(({ asWanted }) => asWanted).length;
  const off = hosts.length - good;
  const parts = [count(hosts.length + unreachable.length, 'host'), `${good} as wanted`];
  if (off > 0) parts.push(`${off} not`);
  if (unreachable.length > 0) parts.push(`${unreachable.length} unreachable`);
  return parts.join(', ');
}

function formatBalancer(balancer: BalancerStatus, { hosts, unreachable }: PlayStatus, paint: Painter): string[] {
  const { up, sessions, traffic, otherServers, errors } = balancer;
  const total = hosts.length + unreachable.length;
  return [
    ...errors.map(({ balancer: name, message }) =>
      paint('red', `Balancer ${sanitize(name)} cannot be read: ${sanitize(message)}`),
    ),
    ...(errors.length > 0 && up === 0
      ? []
      : [`Balancer: ${up} of ${total} UP, ${count(sessions, 'session')}, ${formatTraffic(traffic)}`]),
    ...(otherServers.length === 0
      ? []
      : [`It also has ${otherServers.map((name) => sanitize(name)).join(', ')}: no host of this play`]),
  ];
}

/** `3 of 410 requests failed (0.7 %) in the last 2.0 s` */
function formatTraffic({ requests, errors, overMs }: TrafficStatus): string {
  const span = `in the last ${formatDuration(overMs)}`;
  if (requests === 0) return `no requests ${span}`;
  const share = errors === 0 ? '' : ` (${((errors / requests) * 100).toFixed(1)} %)`;
  return `${errors} of ${count(requests, 'request')} failed${share} ${span}`;
}

/** What the hosts of a play share. */
interface Shared {
  readonly widths: readonly number[];
  readonly locks: ReadonlyMap<string, readonly string[]>;
}

function formatHost(host: HostStatus, { widths, locks }: Shared, paint: Painter): string[] {
  const { balancer, lock } = host;
  const state = balancer === undefined ? [] : [describeServer(balancer)];
  const by = lock === undefined || locks.has(lock.holder) ? '' : ` by ${sanitize(lock.holder)}`;
  const locked = lock === undefined ? [] : [`locked${by}`];
  const facts = [...state, ...locked].join(', ');
  const head = `${paint('bold', sanitize(host.host))}${facts === '' ? '' : `  ${facts}`}`;
  const mark = host.asWanted ? paint('green', '✓') : paint('red', '✗');
  return [
    `${mark} ${head}`,
    ...host.services.map((service) => `    ${formatService(service, widths, paint)}`),
    ...host.drift.map(({ kind, service, cause }) =>
      paint('yellow', `    ${changeSigns[kind]} ${kind} ${sanitize(service)}: ${sanitize(cause)}`),
    ),
    ...host.problems.map((text) => paint('red', `    ! ${indented(text)}`)),
    ...host.leftovers.map((text) => paint('yellow', `    left half way: ${sanitize(text)}`)),
    ...host.parked.map(({ container, image }) =>
      paint('dim', `    parked: ${sanitize(container)}, ${shortImage(image)}`),
    ),
  ];
}

const indented = (text: string): string => sanitize(text, { keepLines: true }).replaceAll('\n', '\n      ');

function describeServer({ state, sessions, queued, traffic }: NonNullable<HostStatus['balancer']>): string {
  const parts = [sanitize(state)];
  if (sessions !== undefined) parts.push(count(sessions, 'session'));
  if (queued > 0) parts.push(`${queued} queued`);
  if (traffic.errors > 0) parts.push(formatTraffic(traffic));
  return parts.join(', ');
}

function cells(found: ServiceStatus): string[] {
  const { service, image, composition, sinceMs, state, health, restarts = 0, isBorrowed } = found;
  const states = [state, ...(health === undefined ? [] : [health])];
  if (restarts > 0) states.push(count(restarts, 'restart'));
  if (isBorrowed === true) states.push('not of this play');
  return [
    sanitize(service),
    image === undefined ? '' : shortImage(image),
    composition === undefined ? '' : sanitize(composition),
    sanitize(states.join(', ')),
    sinceMs === undefined ? '' : `for ${formatAge(sinceMs)}`,
  ];
}

/** Without the registry, which is mostly the same for all and longer than the rest. */
function shortImage(image: string): string {
  const slash = image.indexOf('/');
  const first = image.slice(0, Math.max(0, slash));
  return sanitize(/[.:]/.test(first) || first === 'localhost' ? image.slice(slash + 1) : image);
}

/** `formatDuration` up to a day, then days. */
function formatAge(ageMs: number): string {
  const days = Math.floor(ageMs / 86_400_000);
  return days < 1 ? formatDuration(ageMs) : `${days} d ${Math.floor((ageMs % 86_400_000) / 3_600_000)} h`;
}

function columnWidths(rows: readonly (readonly string[])[]): readonly number[] {
  return [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => displayWidth(row[column] ?? ''))));
}

function formatService(service: ServiceStatus, widths: readonly number[], paint: Painter): string {
  const row = cells(service).map((cell, column) => ({
    cell: padEnd(cell, widths[column] ?? 0),
    width: widths[column],
  }));
  const style: Style | undefined = service.isGood ? undefined : 'red';
  return row
    .filter(({ width }) => width !== 0)
    .map(({ cell }) => cell)
    .join('  ')
    .trimEnd()
    .replace(/^.*$/s, (line) => (style === undefined ? line : paint(style, line)));
}

function formatUnreachable({ unreachable }: PlayStatus, paint: Painter): string[] {
  if (unreachable.length === 0) return [];
  return [
    '',
    ...unreachable.flatMap(({ host, message, hint }) => [
      `${paint('red', '✗')} ${paint('bold', sanitize(host))}  ${paint('red', `unreachable: ${indented(message)}`)}`,
      ...(hint === undefined ? [] : [`      ${indented(hint)}`]),
    ]),
  ];
}
