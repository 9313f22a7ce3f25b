import {
  countNodes,
  isActive,
  type Counts,
  type HostPhase,
  type HostState,
  type RunState,
  type Wait,
} from '../events/run-state.ts';
import { count } from '../model/count.ts';
import { formatHosts } from './host-list.ts';
import { fitLine, type Painter, type Segment } from './paint.ts';
import { sanitize } from './sanitize.ts';
import { formatSeconds } from './seconds.ts';
import { transferLines } from './transfer-lines.ts';
import { displayWidth, truncate } from './width.ts';

export interface FrameOptions {
  readonly columns: number;
  readonly rows: number;
  readonly nowMs: number;
  readonly paint: Painter;
}

/**
 * The live region of a run: a line for each node under way, the bake, and one line of progress. Never wider than
 * `columns`, never as high as `rows`; empty before the run begins and after it ends.
 */
export function frame(state: RunState, terminal: FrameOptions): string[] {
  if (state.hosts.size === 0 || state.outcome !== undefined) return [];
  // On a very wide terminal a time at its far end would stand alone.
  const options = { ...terminal, columns: Math.min(terminal.columns, 110) };
  const room = options.rows - 1;
  const counts = countNodes(state);
  const status = statusLine(state, counts, options);
  const waits = waitLines(state, options);
  const baking = bakeLines(state, options);
  // Half of the terminal at most: what is above, the finished, is what people read again.
  const most = Math.max(6, Math.floor(options.rows / 2));
  // They say more than that images are waited for.
  const transfers = transferLines(state, Math.min(room - baking.length - 2, most), options);
  const extra = [...baking, ...(transfers.length > 0 ? transfers : waits)];
  const nodeRoom = Math.min(room - extra.length - 2, most);
  const lines = ['', ...nodeLines(state, nodeRoom, options), ...extra, status];
  return room < 1 ? [] : lines.slice(-room);
}

function nodeLines(state: RunState, room: number, options: FrameOptions): string[] {
  const active = [...state.hosts.values()].filter(isActive).sort((a, b) => startOf(a) - startOf(b));
  if (room < 1) return [];
  const shown = active.length <= room ? active : active.slice(0, room - 1);
  const widest = Math.max(0, ...shown.map((host) => displayWidth(nameOf(host))));
  const nameColumns = Math.min(widest, Math.floor(options.columns / 3));
  const lines = shown.map((host) => nodeLine(host, nameColumns, options));
  const rest = active.slice(shown.length);
  return rest.length === 0 ? lines : [...lines, restLine(rest, options)];
}

function startOf(host: HostState): number {
  return host.nodeStartedAtMs ?? host.sinceMs;
}

function nameOf({ host, role }: HostState): string {
  return role === 'canary' ? `${sanitize(host)} (canary)` : sanitize(host);
}

const phaseText: Readonly<Partial<Record<HostPhase, string>>> = {
  starting: 'starting',
  draining: 'draining',
  updating: 'updating',
  admitting: 'admitting',
  finishing: 'finishing',
  restoring: 'restoring',
};

function nodeLine(host: HostState, nameColumns: number, { columns, nowMs, paint }: FrameOptions): string {
  const isBack = host.phase === 'restoring' || host.role === 'rollback';
  const name = truncate(nameOf(host), nameColumns);
  const left: Segment[] = [
    { text: isBack ? ' ↩ ' : ' ▸ ', style: isBack ? 'yellow' : 'cyan' },
    { text: name + ' '.repeat(nameColumns - displayWidth(name)), style: 'bold' },
    { text: `  ${(phaseText[host.phase] ?? host.phase).padEnd(9)}  ` },
    { text: sanitize(detailOf(host, nowMs)), style: 'dim' },
  ];
  return fitLine(left, { text: elapsedOf(host, nowMs), style: 'dim' }, columns, paint);
}

function detailOf(host: HostState, nowMs: number): string {
  const { op, sessions } = host;
  const wait = freshWait(host, nowMs);
  if (wait !== undefined) return wait.message;
  if (op !== undefined) return op.op.text;
  return sessions === undefined ? '' : `${count(sessions, 'session')} open`;
}

/** A wait is said again every ten seconds; one that was not has ended in silence. */
function freshWait({ wait }: { readonly wait?: Wait }, nowMs: number): Wait | undefined {
  return wait !== undefined && nowMs - wait.saidAtMs < 15_000 ? wait : undefined;
}

function elapsedOf(host: HostState, nowMs: number): string {
  const wait = freshWait(host, nowMs);
  const elapsed = formatSeconds(nowMs - (wait?.startedAtMs ?? host.op?.startedAtMs ?? host.sinceMs));
  return wait === undefined || wait.limitMs <= 0 ? elapsed : `${elapsed} of ${formatSeconds(wait.limitMs)}`;
}

function restLine(hosts: readonly HostState[], { columns, paint }: FrameOptions): string {
  const counts = new Map<string, number>();
  for (const { phase } of hosts) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  const parts = [...counts].map(([phase, amount]) => `${amount} ${phase}`);
  return fitLine(
    [{ text: `   … and ${hosts.length} more: ${parts.join(', ')}`, style: 'dim' }],
    undefined,
    columns,
    paint,
  );
}

function bakeLines(state: RunState, { columns, nowMs, paint }: FrameOptions): string[] {
  const wait = freshWait(state, nowMs);
  return state.plays.flatMap(({ bake }) => {
    if (bake === undefined || bake.verdict !== undefined) return [];
    const leftMs = Math.max(0, bake.bakeMs - (nowMs - bake.startedAtMs));
    const left: Segment[] = [
      { text: ' ◷ ', style: 'cyan' },
      { text: sanitize(formatHosts(bake.hosts, 3)), style: 'bold' },
      { text: bake.wave === 'soak' ? '  soaking' : '  baking' },
      { text: wait === undefined ? '' : `  ${sanitize(wait.message)}`, style: 'dim' },
    ];
    return [fitLine(left, { text: `${formatSeconds(leftMs)} left`, style: 'dim' }, columns, paint)];
  });
}

/** The run's own wait, unless the bake's line shows it. */
function waitLines(state: RunState, { columns, nowMs, paint }: FrameOptions): string[] {
  const wait = freshWait(state, nowMs);
  if (wait === undefined || state.plays.some(({ bake }) => bake !== undefined && bake.verdict === undefined)) return [];
  const limit = wait.limitMs > 0 ? ` of ${formatSeconds(wait.limitMs)}` : '';
  const elapsed = `${formatSeconds(nowMs - wait.startedAtMs)}${limit}`;
  const left: Segment[] = [{ text: ' ◷ ', style: 'cyan' }, { text: `waiting for ${sanitize(wait.message)}` }];
  return [fitLine(left, { text: elapsed, style: 'dim' }, columns, paint)];
}

function statusLine(state: RunState, counts: Counts, options: FrameOptions): string {
  const { columns, nowMs, paint } = options;
  const elapsed: Segment = { text: formatSeconds(nowMs - state.startedAtMs), style: 'dim' };
  // A rollback to the parked containers has no plan.
  const isPreflight = state.planText === undefined && counts.changing === 0;
  if (isPreflight) return fitLine(preflight(state), elapsed, columns, paint);
  const { changing, done, active, failed, restored, left } = counts;
  const isPreparing = done + active + failed + restored === 0;
  const play = currentPlay(state);
  const numbers: Segment[] = [
    { text: play === undefined ? '' : `  ${truncate(sanitize(play), 20)}` },
    { text: `  ${done}/${changing} done`, style: 'bold' },
    ...(active > 0 ? [{ text: ` · ${active} out` }] : []),
    ...(failed > 0 ? [{ text: ` · ${failed} failed`, style: 'red' as const }] : []),
    ...(restored > 0 ? [{ text: ` · ${restored} restored`, style: 'yellow' as const }] : []),
    { text: ` · ${left} left` },
    ...poolSegments(state, play),
    ...(isPreparing ? [{ text: ' · preparing', style: 'dim' as const }] : []),
  ];
  const rates = trafficSegments(state, play, nowMs);
  const widthOf = (segments: readonly Segment[]): number =>
    segments.reduce((sum, { text }) => sum + displayWidth(text), 0);
  const ownColumns = widthOf(numbers) + elapsed.text.length + 4;
  // On a narrow terminal the bar says more.
  if (columns - ownColumns - widthOf(rates) >= 8) numbers.push(...rates);
  const taken = widthOf(numbers) + elapsed.text.length + 4;
  // One width for a terminal, so that it does not jump as the numbers grow.
  const barColumns = Math.min(columns < 100 ? 16 : 32, columns - taken);
  const progress = barColumns < 5 ? [] : bar(counts, barColumns);
  return fitLine([{ text: ' ' }, ...progress, ...numbers], elapsed, columns, paint);
}

/** Where there are several: the one that is under way. */
function currentPlay({ plays, hosts }: RunState): string | undefined {
  if (plays.length < 2) return undefined;
  const baking = plays.find(({ bake }) => bake !== undefined && bake.verdict === undefined);
  return baking?.play ?? [...hosts.values()].find(isActive)?.play;
}

function preflight({ hosts }: RunState): Segment[] {
  const all = [...hosts.values()];
  const pending = all.filter(({ phase }) => phase === 'pending').map(({ host }) => host);
  const answered = all.length - pending.length;
  if (pending.length === 0)
    return [{ text: ' preflight', style: 'bold' }, { text: `  reading ${count(all.length, 'host')}` }];
  return [
    { text: ' preflight', style: 'bold' },
    { text: `  ${answered} of ${count(all.length, 'host')} answered` },
    { text: answered === 0 ? '' : `, waiting for ${sanitize(formatHosts(pending, 3))}`, style: 'dim' },
  ];
}

/** What the balancer shows of the play that is under way, or that was last. */
function poolSegments({ plays }: RunState, current: string | undefined): Segment[] {
  const pool = shownPlay(plays, current, ({ pool }) => pool !== undefined)?.pool;
  if (pool === undefined) return [];
  return [{ text: ' · ' }, { text: `${pool.up}/${pool.servers} UP`, ...(pool.up === 0 ? { style: 'red' } : {}) }];
}

/** What the balancer has counted of late, errors in red; nothing where it does not count, or has not been read lately. */
function trafficSegments({ plays }: RunState, current: string | undefined, nowMs: number): Segment[] {
  const traffic = shownPlay(plays, current, ({ traffic }) => traffic !== undefined)?.traffic;
  if (traffic === undefined || nowMs - traffic.seenAtMs > trafficShownMs) return [];
  const { requestsPerSecond, errorsPerSecond } = traffic;
  return [
    { text: ` · ${formatRate(requestsPerSecond)} req/s`, style: 'dim' },
    ...(errorsPerSecond > 0 ? [{ text: `, ${formatRate(errorsPerSecond)} failed/s`, style: 'red' as const }] : []),
  ];
}

const trafficShownMs = 15_000;

const formatRate = (perSecond: number): string =>
  perSecond >= 10 ? Math.round(perSecond).toLocaleString('en') : perSecond.toFixed(1).replace(/\.0$/, '');

function shownPlay(
  plays: RunState['plays'],
  current: string | undefined,
  isKnown: (play: RunState['plays'][number]) => boolean,
): RunState['plays'][number] | undefined {
  const known = plays.filter(isKnown);
  return known.find(({ play }) => play === current) ?? known.at(-1);
}

/** Done, failed, restored, out, left, in the order in which a node goes through them; what exists has at least one column. */
function bar({ changing, done, failed, restored, active }: Counts, columns: number): Segment[] {
  const parts = [
    { amount: done, sign: '█', style: 'green' },
    { amount: failed, sign: '█', style: 'red' },
    { amount: restored, sign: '█', style: 'yellow' },
    { amount: active, sign: '▒', style: 'cyan' },
  ] as const;
  let room = columns;
  const segments: Segment[] = parts.map(({ amount, sign, style }) => {
    const share = Math.floor((amount / Math.max(1, changing)) * columns);
    const length = Math.min(room, amount === 0 ? 0 : Math.max(1, share));
    room -= length;
    return { text: sign.repeat(length), style };
  });
  return [...segments, { text: '░'.repeat(room), style: 'dim' }];
}
