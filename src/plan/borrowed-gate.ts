import { noteAbout } from '../docker/drain-note.ts';
import { labels, nextName, previousName } from '../docker/names.ts';
import type { Container, Observed } from '../docker/observed.ts';
import type { HostDesired } from '../model/service.ts';
import type { Containers, PutBack, ReplacementOrder, WayBack } from './order/order.ts';
import type { Op } from './plan.ts';
import { policyOf } from './restart-policy.ts';

/*
 * A play without services of its own may leave rotation by a container that is somebody else's: of another play or
 * playbook, or of nobody. It is stopped and started, with its own restart policy again, and is otherwise as it was.
 */

type Wanted = Pick<HostDesired, 'borrowedGate' | 'isGateMadeEarlier' | 'server'>;

/** It answers checks only, and has nothing to finish. */
const graceMs = 5000;

/** What a run that was cut off has left of its way out: told by the note that it left. */
export function healBorrowed({ borrowedGate: name, server }: Wanted, observed: Observed): readonly Op[] {
  const container = name === undefined ? undefined : observed.containers.get(name);
  const note = container && noteAbout(container, observed);
  if (container === undefined || note === undefined) return [];
  const { state } = container;
  // Its policy goes first: a container that still has it was never stopped.
  if (state.running && policyOf(container) !== 'no') return [];
  const cause = 'left out of rotation by an earlier run';
  const id = { service: container.name, container: container.name, cause };
  return [
    // A stop outlives the run that asked for it.
    ...(state.running ? [{ ...id, kind: 'stop', graceMs } as const] : []),
    { kind: 'settle', containers: note.ran, cause },
    { kind: 'admit', container: container.name, policy: note.policy, server, isBorrowed: true, cause },
  ];
}

/** What is in the way of leaving by it, and what will stay as it is. */
export function borrowedTroubles(
  { borrowedGate: name, isGateMadeEarlier }: Wanted,
  { containers }: Pick<Observed, 'containers'>,
): { readonly errors: readonly string[]; readonly warnings: readonly string[] } {
  if (name === undefined) return { errors: [], warnings: [] };
  const container = containers.get(name);
  if (container === undefined)
    return { errors: isGateMadeEarlier === true ? [] : [missing(name, containers)], warnings: [] };
  if (container.state.running) return { errors: [], warnings: [] };
  const message = `health container ${name} does not run (${container.state.status}), and no run of a maintenance has stopped it: the node is worked on and stays out of rotation. To let it in: docker start ${name}`;
  return { errors: [], warnings: [message] };
}

function missing(name: string, containers: Containers): string {
  const halfWay = [previousName(name), nextName(name)].flatMap((each) => containers.get(each) ?? []);
  const playbook = halfWay.map(({ labels: of }) => of[labels.playbook]).find((book) => book !== undefined);
  const there = `there is no container ${name}, which health_container names and which is no service of the play`;
  return playbook === undefined
    ? `${there}. Name one that is there (docker ps -a), or run the playbook that creates it first`
    : `${there}. An update by playbook ${playbook} was cut off here: run that one again first`;
}

/** Whatever the tasks did to the host, what ran there besides runs again before requests come. */
export function settleAfterTasks(ops: readonly Op[]): readonly Op[] {
  if (!ops.some(({ kind }) => kind === 'task')) return ops;
  return ops.flatMap((op): readonly Op[] =>
    op.kind === 'admit' ? [{ kind: 'settle', containers: 'noted', cause: 'it ran before the tasks' }, op] : [op],
  );
}

/** The way out and in by that container. One that does not run stays so, and lets nobody in. */
export function rotateBorrowed(ops: readonly Op[], name: string | undefined, containers: Containers): readonly Op[] {
  if (name === undefined) return ops;
  const container = containers.get(name);
  return ops.flatMap((op): readonly Op[] => {
    if (op.kind === 'drain') return [leaveBy(op, name, container)];
    if (op.kind !== 'admit') return [op];
    return container?.state.running === false ? [] : [{ ...op, ...comeBackBy(name, container) }];
  });
}

/** The way back of a node, as its order has it, with the borrowed container where it was. */
export function planWayBack(
  order: Pick<ReplacementOrder, 'putBack'>,
  input: PutBack & { readonly borrowedGate: string | undefined },
): WayBack {
  const { borrowedGate: name, before, now, server, cause } = input;
  // To the order it would be a stopped container that nobody names any more.
  const back = order.putBack({ ...input, before: without(before, name), now: without(now, name) });
  const was = name === undefined ? undefined : before.get(name);
  if (name === undefined || was === undefined) return back;
  const is = now.get(name);
  const lost = is === undefined ? [...back.lost, name] : back.lost;
  const isIn = back.ops.some(({ kind }) => kind === 'admit');
  const mayComeBack = was.state.running && is !== undefined && lost.length === 0;
  const isRight = is?.state.running === true && policyOf(is) === policyOf(was);
  const others = back.ops.filter(({ kind }) => kind !== 'admit');
  const ops = others.map((op) => (op.kind === 'drain' ? leaveBy(op, name, is, was) : op));
  if (!mayComeBack || (isRight && !isIn)) return { lost, ops };
  return {
    lost,
    ops: [
      ...ops,
      { kind: 'settle', containers: 'noted', cause },
      { kind: 'admit', server, cause, ...comeBackBy(name, was) },
    ],
  };
}

function without(containers: Containers, name: string | undefined): Containers {
  return new Map([...containers].filter(([each]) => each !== name));
}

function leaveBy(
  op: Op & { readonly kind: 'drain' },
  name: string,
  container: Container | undefined,
  was = container,
): Op {
  // One that is not there is not left out in silence: its stop fails, before anything is done.
  if (container === undefined) return { ...op, container: name };
  if (!container.state.running) return op;
  const { id, state } = container;
  return { ...op, container: name, note: { id, startedAt: state.startedAt, policy: policyOf(was) } };
}

function comeBackBy(name: string, was: Container | undefined) {
  return { container: name, policy: policyOf(was), isBorrowed: true } as const;
}
