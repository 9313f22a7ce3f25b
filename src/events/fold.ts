import { nothingRan } from './run-state.ts';
import { assertNever } from '../model/assert-never.ts';
import type { Event, HostResult, Judgement, OpText, PoolCount } from './event.ts';
import type { CheckState, HostPhase, HostState, JudgedNodes, PlayState, RunState, Wait } from './run-state.ts';

/** The state after all `events`. */
export function foldEvents(events: Iterable<Event>): RunState {
  const fold = createFold();
  for (const event of events) fold.apply(event);
  return fold.state;
}

/** A fold that grows: `state` is one object that `apply` brings up to date, so that thousands of hosts stay cheap. */
export function createFold(): { readonly state: RunState; apply(event: Event): void } {
  const state: MutableRun = {
    run: '',
    startedAtMs: 0,
    lastAtMs: 0,
    plays: [],
    hosts: new Map(),
    images: {},
    failures: [],
    warnings: [],
  };
  return { state, apply: (event) => apply(state, event) };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type MutablePlay = Mutable<Omit<PlayState, 'done' | 'concerned'>> & {
  readonly done: Set<string>;
  readonly concerned: Set<string>;
};
type MutableRun = Mutable<Omit<RunState, 'hosts' | 'plays' | 'failures' | 'warnings'>> & {
  plays: MutablePlay[];
  hosts: Map<string, HostState>;
  failures: RunState['failures'][number][];
  warnings: RunState['warnings'][number][];
};

function apply(state: MutableRun, event: Event): void {
  // Warnings may come before the run introduces itself.
  if (state.run === '') state.startedAtMs = event.at;
  state.run = event.run;
  state.lastAtMs = event.at;
  switch (event.type) {
    case 'run_started':
      startRun(state, event);
      return;
    case 'host_connected': {
      enter(state, event.host, 'connected', event.at, { facts: event.facts });
      return;
    }
    case 'host_unreachable': {
      enter(state, event.host, 'unreachable', event.at, { message: event.message });
      return;
    }
    case 'plan_ready':
      planRun(state, event);
      return;
    case 'image_pulled':
      return;
    case 'command_run':
      return;
    case 'node_verified':
      // Said of each service of a node: the ops tell where the node stands.
      return;
    case 'node_started':
      startNode(state, event);
      return;
    case 'drain_started':
      seePool(state, event.host, event.pool);
      {
        enter(state, event.host, wayBackOr(state, event.host, 'draining'), event.at, { sessions: event.sessions });
        return;
      }
    case 'node_drained':
      seePool(state, event.host, event.pool);
      {
        enter(state, event.host, wayBackOr(state, event.host, 'updating'), event.at, {});
        return;
      }
    case 'op_started': {
      startOp(state, event.host, event.op, event.at);
      return;
    }
    case 'op_finished': {
      endOp(state, event.host, event.op, event.at);
      return;
    }
    case 'node_admitted':
      seePool(state, event.host, event.pool);
      {
        enter(state, event.host, wayBackOr(state, event.host, 'finishing'), event.at, {});
        return;
      }
    case 'bake_started': {
      const { hosts, bakeMs, wave = 'canary' } = event;
      changePlay(state, event.play, { bake: { wave, hosts, bakeMs, startedAtMs: event.at } });
      return;
    }
    case 'bake_prolonged': {
      const bake = state.plays.find(({ play }) => play === event.play)?.bake;
      if (bake !== undefined) changePlay(state, event.play, { bake: { ...bake, bakeMs: event.bakeMs } });
      return;
    }
    case 'fan_out_judged': {
      const { play, hosts } = event;
      addVerdict(state, play, { wave: 'fan-out', hosts, ...judgementOf(event) });
      return;
    }
    case 'bake_finished':
      finishBake(state, event);
      return;
    case 'node_done':
      finishNode(state, event);
      return;
    case 'node_failed':
      state.failures.push({ host: event.host, atMs: event.at, failure: event.failure });
      for (const play of state.plays) play.done.delete(event.host);
      {
        enter(state, event.host, 'failed', event.at, { failure: event.failure });
        return;
      }
    case 'node_restored': {
      const { serving, durationMs, message, next, ranBefore } = event;
      const stranded = { message: `not put back: ${message ?? 'it does not serve'}`, next };
      enter(state, event.host, serving ? 'restored' : 'failed', event.at, {
        durationMs,
        ...(serving ? { message: ranBefore === false ? nothingRan : undefined, next: undefined } : stranded),
      });
      return;
    }
    case 'check_result':
      noteCheck(state, event);
      return;
    case 'run_steered':
      return;
    case 'run_paused':
      state.paused = { reason: event.reason, next: event.next };
      return;
    case 'run_finished':
      finishRun(state, event);
      return;
    case 'waiting':
      wait(state, event);
      return;
    case 'warning': {
      const { host, message } = event;
      state.warnings.push({ atMs: event.at, message, ...(host === undefined ? {} : { host }) });
      return;
    }
    default:
      return assertNever(event);
  }
}

type EventOf<T extends Event['type']> = Event & { readonly type: T };

function startRun(state: MutableRun, event: EventOf<'run_started'>): void {
  state.startedAtMs = event.at;
  state.command = event.command;
  state.playbook = event.playbook;
  if (event.composition !== undefined) state.composition = event.composition;
  state.version = event.version;
  state.user = event.user;
  state.plays = event.plays.map(({ play, hosts }) => ({
    play,
    hosts,
    canaries: [],
    maxUnavailable: 0,
    minAvailable: 0,
    changes: {},
    verdicts: [],
    checks: [],
    concerned: new Set(),
    done: new Set(),
  }));
  for (const host of event.plays.flatMap(({ hosts }) => hosts)) enter(state, host, 'pending', event.at, {});
}

function planRun(state: MutableRun, event: EventOf<'plan_ready'>): void {
  state.planText = event.text;
  state.images = event.images;
  delete state.wait;
  for (const { play, canaries, maxUnavailable, minAvailable, hosts } of event.plays) {
    changePlay(state, play, { canaries, maxUnavailable, minAvailable, changes: hosts });
    const concerned = state.plays.find((each) => each.play === play)?.concerned;
    for (const [host, changes] of Object.entries(hosts)) {
      // An orphan is reported only.
      if (changes.some(({ kind }) => kind !== 'orphan')) concerned?.add(host);
    }
  }
  const isConcerned = (host: string): boolean => state.plays.some(({ concerned }) => concerned.has(host));
  for (const [host, { phase }] of state.hosts) {
    if (phase === 'connected' || phase === 'pending')
      enter(state, host, isConcerned(host) ? 'planned' : 'unchanged', event.at, {});
  }
}

function startNode(state: MutableRun, event: EventOf<'node_started'>): void {
  const { host, play, role, cause } = event;
  delete state.wait;
  // A node with tasks alone is in no list of changes.
  state.plays.find((each) => each.play === play)?.concerned.add(host);
  // On its way back it is no longer done.
  if (role === 'rollback') for (const each of state.plays) each.done.delete(host);
  enter(state, host, 'starting', event.at, { play, role, cause, nodeStartedAtMs: event.at });
}

function startOp(state: MutableRun, host: string, op: OpText, atMs: number): void {
  const before = state.hosts.get(host)?.phase ?? 'pending';
  const phase = phaseOfOp(before, op);
  if (phase !== before) enter(state, host, phase, atMs, {});
  change(state, host, atMs, { op: { op, startedAtMs: atMs }, wait: undefined });
}

/** What goes on beside it may end first. */
function endOp(state: MutableRun, host: string, { text }: OpText, atMs: number): void {
  const running = state.hosts.get(host)?.op;
  change(state, host, atMs, running?.op.text === text ? { op: undefined, wait: undefined } : { wait: undefined });
}

function phaseOfOp(before: HostPhase, { kind }: OpText): HostPhase {
  // A failed node that gets ops again is being put back, whatever they are.
  if (before === 'failed' || before === 'restoring') return 'restoring';
  if (kind === 'admit') return 'admitting';
  return before === 'starting' && kind !== 'drain' ? 'updating' : before;
}

function finishBake(state: MutableRun, event: EventOf<'bake_finished'>): void {
  const { play, hosts, wave = 'canary' } = event;
  const newest = state.plays.find((each) => each.play === play)?.bake;
  // One that was skipped has no beginning, and the newest one may be of an earlier wave.
  const begun = newest?.verdict === undefined ? newest : undefined;
  delete state.wait;
  const judgement = judgementOf(event);
  changePlay(state, play, {
    bake: {
      wave,
      hosts,
      bakeMs: begun?.bakeMs ?? 0,
      startedAtMs: begun?.startedAtMs ?? event.at,
      ...judgement,
    },
  });
  addVerdict(state, play, { wave, hosts, ...judgement });
}

function judgementOf(event: EventOf<'bake_finished' | 'fan_out_judged'>): Judgement {
  const { verdict, reason, canary, peers, before, detectableRatio } = event;
  return {
    verdict,
    reason,
    ...(canary === undefined ? {} : { canary }),
    ...(peers === undefined ? {} : { peers }),
    ...(before === undefined ? {} : { before }),
    ...(detectableRatio === undefined ? {} : { detectableRatio }),
  };
}

function addVerdict(state: MutableRun, play: string, verdict: JudgedNodes): void {
  const verdicts = state.plays.find((each) => each.play === play)?.verdicts ?? [];
  changePlay(state, play, { verdicts: [...verdicts, verdict] });
}

/** The newest answer of each check, for each phase and host that it is asked for. */
function noteCheck(state: MutableRun, event: EventOf<'check_result'>): void {
  const { play, check, hosts, phase, outcome, message, failures, failureLimit, dryRun = false } = event;
  const found = state.plays.find((each) => each.play === play);
  const key = (each: Pick<CheckState, 'check' | 'phase' | 'hosts'>): string =>
    [each.check, each.phase, each.hosts[0]].join(' ');
  const next: CheckState = { check, hosts, phase, outcome, message, failures, failureLimit, isDryRun: dryRun };
  const others = (found?.checks ?? []).filter((each) => key(each) !== key(next));
  changePlay(state, play, { checks: [...others, next] });
}

function finishNode(state: MutableRun, { host, play, result, at, durationMs }: EventOf<'node_done'>): void {
  state.plays.find((each) => each.play === play)?.done.add(host);
  // What an earlier play has made of it counts for more.
  const isChanged = result === 'updated' || state.hosts.get(host)?.phase === 'done';
  if (!isChanged) enter(state, host, 'unchanged', at, { play });
  else enter(state, host, 'done', at, { durationMs: (state.hosts.get(host)?.durationMs ?? 0) + durationMs });
}

function finishRun(state: MutableRun, event: EventOf<'run_finished'>): void {
  state.outcome = event.outcome;
  state.exitCode = event.exitCode;
  state.durationMs = event.durationMs;
  if (event.error !== undefined) state.error = event.error;
  if (event.next !== undefined) state.next = event.next;
  delete state.wait;
  for (const [host, { result, durationMs, message }] of Object.entries(event.hosts)) {
    enter(state, host, endPhase[result], event.at, {
      result,
      ...(durationMs === undefined ? {} : { durationMs }),
      ...(message === undefined ? {} : { message }),
    });
  }
}

const endPhase: Readonly<Record<HostResult, HostPhase>> = {
  updated: 'done',
  unchanged: 'unchanged',
  failed: 'failed',
  restored: 'restored',
  unreachable: 'unreachable',
  untouched: 'planned',
};

function wait(state: MutableRun, event: EventOf<'waiting'>): void {
  const { host, message, elapsedMs, limitMs, sessions } = event;
  const going: Wait = { message, saidAtMs: event.at, startedAtMs: event.at - elapsedMs, limitMs };
  if (host === undefined) {
    state.wait = going;
    return;
  }
  seePool(state, host, event.pool);
  change(state, host, event.at, { wait: going, ...(sessions === undefined ? {} : { sessions }) });
}

/** What the balancer shows belongs to the play whose node this host is. */
function seePool(state: MutableRun, host: string, pool: PoolCount | undefined): void {
  const play = state.hosts.get(host)?.play;
  if (pool !== undefined && play !== undefined) changePlay(state, play, { pool });
}

function changePlay(state: MutableRun, play: string, fields: Partial<Omit<PlayState, 'done' | 'concerned'>>): void {
  const found = state.plays.find((each) => each.play === play);
  if (found) Object.assign(found, fields);
}

/** A node on its way back stays `restoring`, whichever steps it takes. */
function wayBackOr(state: MutableRun, host: string, phase: HostPhase): HostPhase {
  const current = state.hosts.get(host)?.phase;
  return current === 'failed' || current === 'restoring' ? 'restoring' : phase;
}

/** Enters a phase: what belonged to the one before (op, wait, sessions) is over. */
function enter(state: MutableRun, host: string, phase: HostPhase, atMs: number, fields: Fields<HostState>): void {
  const before = state.hosts.get(host);
  const sinceMs = before?.phase === phase ? before.sinceMs : atMs;
  // The steps of a way back are one phase; the op under way goes on.
  const op = phase === 'restoring' ? before?.op : undefined;
  change(state, host, atMs, { op, wait: undefined, sessions: undefined, ...fields, phase, sinceMs });
}

type Fields<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** Sets fields, and takes away those that are given as undefined. */
function change(state: MutableRun, host: string, atMs: number, fields: Fields<HostState>): void {
  const before = state.hosts.get(host) ?? { host, phase: 'pending' as const, sinceMs: atMs };
  const entries = Object.entries({ ...before, ...fields }).filter(([, value]) => value !== undefined);
  // Fields are left out, never changed in type: what remains is a host's state all the same.
  state.hosts.set(host, Object.fromEntries(entries) as unknown as HostState);
}
