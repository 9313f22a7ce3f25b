import type { EventOf, PoolCount } from './event.ts';
import type { HostPhase, HostState, PlayState, RunState, Transfer } from './run-state.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type MutablePlay = Mutable<Omit<PlayState, 'done' | 'concerned'>> & {
  readonly done: Set<string>;
  readonly concerned: Set<string>;
};
/** The state of a run while events are folded into it. */
export type MutableRun = Mutable<Omit<RunState, 'hosts' | 'plays' | 'failures' | 'warnings' | 'transfers'>> & {
  plays: MutablePlay[];
  hosts: Map<string, HostState>;
  failures: RunState['failures'][number][];
  transfers: Transfer[];
  warnings: RunState['warnings'][number][];
};

/** What the balancer shows belongs to the play whose node this host is. */
export function seePool(state: MutableRun, host: string, pool: PoolCount | undefined): void {
  const play = state.hosts.get(host)?.play;
  if (pool !== undefined && play !== undefined) changePlay(state, play, { pool });
}

export function seeTransfer(state: MutableRun, { host, image, at, ...event }: EventOf<'image_progress'>): void {
  const { by, layers, doneBytes, totalBytes, bytesPerSecond, durationMs } = event;
  const transfer: Transfer = {
    host,
    image,
    by,
    durationMs,
    saidAtMs: at,
    isDone: false,
    ...(layers === undefined ? {} : { layers }),
    ...(doneBytes === undefined ? {} : { doneBytes }),
    ...(totalBytes === undefined ? {} : { totalBytes }),
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
  };
  const known = state.transfers.findIndex((each) => each.host === host && each.image === image);
  if (known === -1) state.transfers.push(transfer);
  else state.transfers[known] = transfer;
}

/** It is there, whatever was told of it last. */
export function endTransfer(state: MutableRun, host: string, image: string): void {
  const known = state.transfers.findIndex((each) => each.host === host && each.image === image);
  const last = state.transfers[known];
  if (last === undefined) return;
  const { layers, totalBytes } = last;
  state.transfers[known] = {
    ...last,
    isDone: true,
    bytesPerSecond: 0,
    ...(layers === undefined ? {} : { layers: { ...layers, fetched: layers.total, unpacked: layers.total } }),
    ...(totalBytes === undefined ? {} : { doneBytes: totalBytes }),
  };
}

export function seeTraffic(state: MutableRun, event: EventOf<'traffic_seen'>): void {
  const { play, pool, requests, errors, spanMs, at } = event;
  changePlay(state, play, { pool });
  if (requests === undefined || errors === undefined || spanMs <= 0) return;
  const perSecond = (amount: number): number => (amount / spanMs) * 1000;
  changePlay(state, play, {
    traffic: { seenAtMs: at, requestsPerSecond: perSecond(requests), errorsPerSecond: perSecond(errors) },
  });
}

/** Sets fields of a play. */
export function changePlay(
  state: MutableRun,
  play: string,
  fields: Partial<Omit<PlayState, 'done' | 'concerned'>>,
): void {
  const found = state.plays.find((each) => each.play === play);
  if (found) Object.assign(found, fields);
}

/** A node on its way back stays `restoring`, whichever steps it takes. */
export function wayBackOr(state: MutableRun, host: string, phase: HostPhase): HostPhase {
  const current = state.hosts.get(host)?.phase;
  return current === 'failed' || current === 'restoring' ? 'restoring' : phase;
}

/** Enters a phase: what belonged to the one before (op, wait, sessions) is over. */
export function enter(
  state: MutableRun,
  host: string,
  phase: HostPhase,
  atMs: number,
  fields: Fields<HostState>,
): void {
  const before = state.hosts.get(host);
  const sinceMs = before?.phase === phase ? before.sinceMs : atMs;
  // The steps of a way back are one phase; the op under way goes on.
  const op = phase === 'restoring' ? before?.op : undefined;
  change(state, host, atMs, { op, wait: undefined, sessions: undefined, ...fields, phase, sinceMs });
}

type Fields<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** Sets fields, and takes away those that are given as undefined. */
export function change(state: MutableRun, host: string, atMs: number, fields: Fields<HostState>): void {
  const before = state.hosts.get(host) ?? { host, phase: 'pending' as const, sinceMs: atMs };
  const entries = Object.entries({ ...before, ...fields }).filter(([, value]) => value !== undefined);
  // Fields are left out, never changed in type: what remains is a host's state all the same.
  state.hosts.set(host, Object.fromEntries(entries) as unknown as HostState);
}
