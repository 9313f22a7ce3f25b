import { nothingRan } from './run-state.ts';
import { assertNever } from '../model/assert-never.ts';
import type { Event, EventOf, HostResult, OpText } from './event.ts';
import {
  change,
  changePlay,
  endTransfer,
  enter,
  seePool,
  seeTraffic,
  seeTransfer,
  wayBackOr,
  type MutableRun,
} from './fold-state.ts';
import { addVerdict, askGate, finishBake, finishGate, judgementOf, noteCheck } from './fold-verdicts.ts';
import type { HostPhase, RunState, Wait } from './run-state.ts';

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
    transfers: [],
  };
  return { state, apply: (event) => apply(state, event) };
}

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
    case 'image_progress':
      seeTransfer(state, event);
      return;
    case 'image_pulled':
    case 'image_pushed':
      endTransfer(state, event.host, event.image);
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
      if (event.ok && event.op.job !== undefined) {
        const completed = new Set([...(state.hosts.get(event.host)?.completed ?? []), event.op.job]);
        change(state, event.host, event.at, { completed: [...completed] });
      }
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
    case 'gate_started':
      askGate(state, event);
      return;
    case 'gate_finished':
      finishGate(state, event);
      return;
    case 'run_steered':
    case 'task_finished':
    case 'task_output':
      return;
    case 'traffic_seen':
      seeTraffic(state, event);
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
    gates: [],
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
  state.transfers = [];
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
      // Where nothing ran before, how it stands now is not what its message, the failure, says.
      ...(message === undefined || state.hosts.get(host)?.message === nothingRan ? {} : { message }),
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
