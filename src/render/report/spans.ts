import type { Event, OpText } from '../../events/event.ts';

export type Phase = 'connect' | 'pull' | 'node' | 'drain' | 'replace' | 'verify' | 'admit' | 'restore';

/** A stretch of one host's time. */
export interface Span {
  readonly phase: Phase;
  readonly startMs: number;
  readonly endMs: number;
}

/** An op as it went; without an end the run was cut off in it. */
export interface DoneOp {
  readonly op: OpText;
  readonly startMs: number;
  readonly endMs?: number;
  readonly ok?: boolean;
  readonly exitCode?: number;
  readonly message?: string;
}

export interface HostTimeline {
  readonly host: string;
  /** When its node was first started. */
  readonly startMs: number;
  /** In the order of painting: `node` lies under what happened within it. */
  readonly spans: readonly Span[];
  readonly ops: readonly DoneOp[];
}

export interface Timeline {
  readonly startMs: number;
  readonly endMs: number;
  /** Hosts whose node was started, in the order of starting. */
  readonly hosts: readonly HostTimeline[];
  readonly bakes: readonly {
    readonly wave: string;
    readonly hosts: readonly string[];
    readonly startMs: number;
    readonly endMs: number;
  }[];
}

/** What every host was doing when. */
export function buildTimeline(events: readonly Event[]): Timeline {
  const startMs = events[0]?.at ?? 0;
  const endMs = Math.max(startMs, events.at(-1)?.at ?? 0);
  const tracks = new Map<string, Track>();
  const bakes: { wave: string; hosts: readonly string[]; startMs: number; endMs: number }[] = [];
  for (const event of events) {
    if (event.type === 'bake_started')
      bakes.push({ wave: event.wave ?? 'canary', hosts: event.hosts, startMs: event.at, endMs });
    else if (event.type === 'bake_finished') {
      const bake = bakes.at(-1);
      if (bake !== undefined) bake.endMs = event.at;
    } else if ('host' in event) {
      const track = tracks.get(event.host) ?? newTrack(event.host);
      tracks.set(event.host, track);
      follow(track, event);
    }
  }
  const hosts = [...tracks.values()].flatMap(({ host, startedAtMs, open, ops, spans }) => {
    if (startedAtMs === undefined) return [];
    // What is still open was cut off with the run.
    const cutOff = [...open].map(([phase, since]) => ({ phase, startMs: since, endMs }));
    return [{ host, startMs: startedAtMs, ops, spans: layered([...spans, ...cutOff]) }];
  });
  return { startMs, endMs, bakes, hosts: hosts.sort((a, b) => a.startMs - b.startMs) };
}

interface Track {
  readonly host: string;
  readonly spans: Span[];
  readonly ops: Mutable<DoneOp>[];
  /** Begin of the phases under way. */
  readonly open: Map<Phase, number>;
  startedAtMs?: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function newTrack(host: string): Track {
  return { host, spans: [], ops: [], open: new Map() };
}

function follow(track: Track, event: Event): void {
  const { at } = event;
  switch (event.type) {
    case 'host_connected':
      track.spans.push({ phase: 'connect', startMs: at - event.durationMs, endMs: at });
      return;
    case 'image_pulled':
    case 'image_pushed':
      track.spans.push({ phase: 'pull', startMs: at - event.durationMs, endMs: at });
      return;
    case 'node_started':
      track.startedAtMs ??= at;
      track.open.set(event.role === 'rollback' ? 'restore' : 'node', at);
      return;
    case 'drain_started':
      // What was created meanwhile is no replacing yet.
      track.open.delete('replace');
      if (!track.open.has('restore')) track.open.set('drain', at);
      return;
    case 'node_drained':
      end(track, 'drain', at);
      return;
    case 'op_started':
      startOp(track, event.op, at);
      return;
    case 'op_finished':
      finishOp(track, event);
      return;
    case 'node_verified':
      end(track, 'replace', at);
      end(track, 'verify', at);
      return;
    case 'node_admitted':
      end(track, 'admit', at);
      return;
    case 'node_done':
      for (const phase of track.open.keys()) end(track, phase, at);
      return;
    case 'node_failed':
      for (const phase of track.open.keys()) end(track, phase, at);
      track.open.set('restore', at);
      return;
    case 'node_restored':
      for (const phase of track.open.keys()) end(track, phase, at);
      return;
    default:
      return;
  }
}

/** Ops tell what a node is at; all that happens within the drain and the way back is theirs. */
function startOp(track: Track, op: OpText, atMs: number): void {
  track.ops.push({ op, startMs: atMs });
  if (track.open.has('drain') || track.open.has('restore') || op.kind === 'drain' || op.kind === 'task') return;
  const phase = op.kind === 'admit' || op.kind === 'verify' ? op.kind : 'replace';
  for (const other of ['replace', 'verify', 'admit'] as const) if (other !== phase) end(track, other, atMs);
  if (!track.open.has(phase)) track.open.set(phase, atMs);
}

function finishOp(track: Track, event: Event & { readonly type: 'op_finished' }): void {
  const op = track.ops.findLast((each) => each.endMs === undefined && each.op.text === event.op.text);
  if (op === undefined) return;
  op.endMs = event.at;
  op.ok = event.ok;
  if (event.exitCode !== undefined) op.exitCode = event.exitCode;
  if (event.message !== undefined) op.message = event.message;
}

function end(track: Track, phase: Phase, atMs: number): void {
  const startMs = track.open.get(phase);
  if (startMs === undefined) return;
  track.open.delete(phase);
  track.spans.push({ phase, startMs, endMs: atMs });
}

function layered(spans: readonly Span[]): Span[] {
  return [...spans.filter(({ phase }) => phase === 'node'), ...spans.filter(({ phase }) => phase !== 'node')];
}
