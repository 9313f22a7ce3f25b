import { formatDuration } from '../model/duration.ts';
import { labels } from '../docker/names.ts';
import type { Container } from '../docker/observed.ts';
import { Inspected } from '../service/inspected.ts';
import type { Op } from './plan.ts';

/** What a container must be found to be after ops that were reported as done. */
interface Expected {
  /** The op that says so: it is the one that has failed where it does not hold. */
  readonly op: Op;
  readonly holds: (found: Container | undefined) => boolean;
  /** What is wrong where it does not hold. */
  readonly words: string;
}

/** Names of the containers to look at after ops, before anything goes on that relies on them; none for most kinds. */
export function namesToReadBack(ops: readonly Op[]): readonly string[] {
  return [...expectationsOf(ops, '').keys()];
}

/**
 * The first op that docker, or what stands in its place, reported as done and that has not come true: a create that
 * made nothing, a stop after which the container runs. `run` is the one whose containers are expected.
 */
export function firstUntrue(
  ops: readonly Op[],
  found: ReadonlyMap<string, Container>,
  run: string,
): { readonly op: Op; readonly message: string } | undefined {
  for (const [name, expected] of expectationsOf(ops, run))
    for (const { op, holds, words } of expected)
      if (!holds(found.get(name))) return { op, message: `docker reported it as done, but ${name} ${words}` };
  return undefined;
}

/** Of containers that were stopped: those that had to be killed, in words. What one was doing for somebody is cut off. */
export function killed(ops: readonly Op[], found: ReadonlyMap<string, Container>): readonly string[] {
  return ops.flatMap((op, index) => {
    if (op.kind !== 'stop') return [];
    const { container, graceMs } = op;
    const stopped = found.get(nameAfter(container, ops.slice(index + 1)));
    const state = stopped?.state;
    // Out of memory it ended by itself, before anybody stopped it.
    if (state?.exitCode !== 137 || state.oomKilled || isKilledByChoice(stopped)) return [];
    return [
      `${container} did not end within its stop_grace_period of ${formatDuration(graceMs)} and was killed (exit 137): what it was still serving is cut off. Does its program end on ${stopSignal(stopped)}? Else give it a longer stop_grace_period`,
    ];
  });
}

/** Its image or its service asks for SIGKILL, which nothing waits for. */
function isKilledByChoice(container: Container | undefined): boolean {
  return /^(?:(?:SIG)?KILL|9)$/i.test(stopSignal(container));
}

/** As its image or its service has it: a name with or without `SIG`, or a number. */
function stopSignal(container: Container | undefined): string {
  const asked = container === undefined ? '' : new Inspected(container.inspect).text('Config.StopSignal');
  return asked === '' ? 'SIGTERM' : asked;
}

/** Whether `next` starts a container again whose stop is in `unseen`: afterwards nobody could tell whether it had stopped. */
export function startsAgain(unseen: readonly Op[], next: readonly Op[]): boolean {
  const ops = [...unseen, ...next];
  return ops.some((op, at) => {
    if (op.kind !== 'stop') return false;
    const start = ops.findIndex(
      (later, index) =>
        index > at && later.kind === 'start' && later.container === nameAfter(op.container, ops.slice(at + 1, index)),
    );
    return start !== -1;
  });
}

/** The name that a container has after further ops. */
function nameAfter(name: string, ops: readonly Op[]): string {
  return ops.reduce((now, op) => (op.kind === 'rename' && op.container === now ? op.to : now), name);
}

/** By the names that the containers have after all of the ops. */
function expectationsOf(ops: readonly Op[], run: string): ReadonlyMap<string, readonly Expected[]> {
  const byName = new Map<string, readonly Expected[]>();
  const expect = (name: string, ...more: readonly Expected[]): void =>
    void byName.set(name, [...(byName.get(name) ?? []), ...more]);
  for (const op of ops) {
    switch (op.kind) {
      case 'create':
        byName.set(op.container, [
          { op, holds: isThere, words: 'is not there' },
          { op, holds: (found) => found?.labels[labels.run] === run, words: 'is not the one that this run created' },
        ]);
        break;
      case 'remove':
        byName.set(op.container, [{ op, holds: (found) => found === undefined, words: 'is still there' }]);
        break;
      case 'rename':
        byName.set(op.to, [{ op, holds: isThere, words: 'is not there' }, ...alive(byName.get(op.container))]);
        byName.set(op.container, [{ op, holds: (found) => found === undefined, words: 'still has its name' }]);
        break;
      case 'stop':
        expect(op.container, { op, holds: (found) => found?.state.running !== true, words: 'still runs' });
        break;
      case 'drain':
        if (op.container !== undefined)
          expect(op.container, { op, holds: (found) => found?.state.running !== true, words: 'still runs' });
        break;
      case 'start':
        expect(op.container, { op, holds: wasStarted, words: 'was never started' });
        break;
      case 'admit':
        // It has run before: `exited` says nothing about its start, but nobody lets the node in either.
        if (op.container !== undefined) expect(op.container, { op, holds: runs, words: 'does not run' });
        break;
      case 'set_restart':
        byName.set(
          op.container,
          (byName.get(op.container) ?? []).filter((earlier) => earlier.op.kind !== 'set_restart'),
        );
        expect(op.container, {
          op,
          holds: (found) => found === undefined || found.restartPolicy.name === (op.policy.split(':')[0] ?? 'no'),
          words: `does not have restart ${op.policy}`,
        });
        break;
      case 'unpause':
        expect(op.container, { op, holds: (found) => found?.state.status !== 'paused', words: 'is still paused' });
        break;
      // What these do is looked at by those that need it: a network by create, an image too.
      case 'pull':
      case 'create_network':
      case 'create_volume':
      case 'update':
      case 'await':
      case 'verify':
      case 'settle':
      case 'task':
        break;
    }
  }
  return byName;
}

/** What is expected of a container goes with it to its new name. */
const alive = (expected: readonly Expected[] = []): readonly Expected[] =>
  expected.filter(({ op }) => op.kind !== 'remove');

const isThere = (found: Container | undefined): boolean => found !== undefined;

/** Also one that docker starts again and again. */
const runs = (found: Container | undefined): boolean => found?.state.running === true;

/** It may have ended by itself since: that is for its verification to say. */
const wasStarted = (found: Container | undefined): boolean => found !== undefined && found.state.status !== 'created';
