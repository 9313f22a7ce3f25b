import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { labels } from '../../src/docker/names.ts';
import type { Container, Observed } from '../../src/docker/observed.ts';
import type { Service } from '../../src/model/service.ts';
import { boundId } from '../../src/service/shared.ts';
import type { Op } from '../../src/plan/plan.ts';
import { needsOthers, recoverOps, startAgain } from '../../src/plan/progress.ts';
import { isUnchanged, reconcile } from '../../src/plan/reconcile.ts';
import { stopFirst } from '../../src/plan/order/stop-first/stop-first.ts';
import { groupsOf, stagesOf } from '../../src/plan/stages.ts';
import { container, desired, observed, service, simulate, shop } from '../support/simulated-host.ts';

const context = { host: 'h1', play: 'web tier', playbook: shop, gate: 'health', removeOrphans: false };

/** A host that serves `from`, and a play that wants `to`; which services differ is arbitrary. */
const updates = fc
  .record({
    extra: fc.integer({ min: 0, max: 2 }),
    changed: fc.array(fc.constantFrom('health', 'app', 'extra1', 'extra2'), { minLength: 1, maxLength: 4 }),
    parked: fc.boolean(),
    restart: fc.constantFrom('no', 'always', 'unless-stopped'),
    // What the play wants of every service, changed or not.
    restartTo: fc.constantFrom('no', 'always', 'unless-stopped'),
    // Which service shares the app's network, if any does.
    sharer: fc.constantFrom('', '', 'health', 'extra1', 'extra2'),
  })
  .map(({ extra, changed, parked, restart, restartTo, sharer }) => {
    const names: string[] = ['health', 'app', 'extra1', 'extra2'].slice(0, 2 + extra);
    const changes: readonly string[] = changed;
    const make = (name: string, version: string, restart: string): Service =>
      service(name, version, {
        spec: {
          ...(restart === 'no' ? {} : { restart }),
          ...(name === sharer ? { network_mode: 'container:app' } : {}),
        },
        dependsOn: name === sharer ? [{ service: 'app', condition: 'service_started' }] : [],
      });
    const from = names.map((name) => make(name, 'v1', restart));
    const to = names.map((name) => make(name, changes.includes(name) ? 'v2' : 'v1', restartTo));
    const run = (entry: Service, name: string, running: boolean): Container =>
      container(entry, {
        name,
        running,
        id: `old-${name}`,
        ...(running ? { restart } : {}),
        ...(entry.name === sharer ? { bound: { network_mode: running ? 'old-app' : 'old-app.previous' } } : {}),
      });
    const running = from.map((entry) => run(entry, entry.name, true));
    if (parked) running.push(...from.map((entry) => run(entry, `${entry.name}.previous`, false)));
    return { from, to, start: observed(running), restart };
  });

const serves = (containers: Observed['containers'], services: readonly Service[]): boolean =>
  services.every(({ containerName }) => containers.get(containerName)?.state.running === true);

/** Everything stops; docker starts again what its policy says, as 20.10 does it: nothing that was never started. */
function reboot(containers: Observed['containers']): Observed['containers'] {
  const rebooted = new Map(
    [...containers].map(([name, container]) => {
      const { status, running } = container.state;
      const policy = container.restartPolicy.name;
      const isBack = status !== 'created' && (policy === 'always' || (policy === 'unless-stopped' && running));
      const state = { ...container.state, running: isBack, status: isBack ? 'running' : status };
      return [name, { ...container, state: !isBack && running ? { ...state, status: 'exited' as const } : state }];
    }),
  );
  // What shares with a container that is not back cannot come back either.
  for (const [name, container] of rebooted) {
    const bound = boundId(container.inspect, 'network_mode');
    const isAlone =
      bound !== undefined && ![...rebooted.values()].some(({ id, state }) => id === bound && state.running);
    if (container.state.running && isAlone)
      rebooted.set(name, { ...container, state: { ...container.state, running: false, status: 'exited' } });
  }
  return rebooted;
}

/** What an update is to end with, whatever came in between. */
const essence = (containers: Observed['containers']): readonly string[] =>
  [...containers.values()]
    .map(({ name, imageId, state, restartPolicy }) => [name, imageId, state.running, restartPolicy.name].join(' '))
    .sort();

/** The next run brings what is left to serving, with containers that are there, before it updates anything. */
function expectHealed(left: Observed, to: Parameters<typeof desired>[0]): void {
  const { heal } = reconcile(desired(to), left, context);
  const healed = simulate(left.containers, heal).at(-1) ?? left.containers;
  expect(serves(healed, to)).toBe(true);
  expect([...healed.keys()].filter((name) => name.endsWith('.next'))).toEqual([]);
}

describe('a node whose run was cut off after any op', () => {
  test('is healed by the next run to serving, with containers that are there, before anything is updated', () => {
    fc.assert(
      fc.property(updates, fc.nat(), ({ to, start }, cut) => {
        const plan = reconcile(desired(to), start, context);
        const states = simulate(start.containers, [...plan.before, ...plan.during]);
        const left = states[cut % states.length] ?? start.containers;
        expectHealed({ ...start, containers: left }, to);
      }),
      { numRuns: 1000 },
    );
  });

  test('ends as wanted after the next run, and the one after that has nothing to do', () => {
    fc.assert(
      fc.property(updates, fc.nat(), ({ to, start }, cut) => {
        const plan = reconcile(desired(to), start, context);
        const states = simulate(start.containers, [...plan.before, ...plan.during]);
        const left = { ...start, containers: states[cut % states.length] ?? start.containers };
        const next = reconcile(desired(to), left, context);
        const healed = simulate(left.containers, next.heal).at(-1) ?? left.containers;
        const then = reconcile(desired(to), { ...start, containers: healed }, context);
        expect(then.heal).toEqual([]);
        expect({ before: then.before, during: then.during }).toEqual({ before: next.before, during: next.during });
        const ended = simulate(healed, [...then.before, ...then.during, ...then.after]).at(-1) ?? healed;
        expect(serves(ended, to)).toBe(true);
        expect(isUnchanged(reconcile(desired(to), { ...start, containers: ended }, context))).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('is put back to the very containers that served before, wherever the update failed', () => {
    fc.assert(
      fc.property(updates, fc.nat(), ({ to, start }, cut) => {
        const plan = reconcile(desired(to), start, context);
        const states = simulate(start.containers, [...plan.before, ...plan.during]);
        const now = states[cut % states.length] ?? start.containers;
        const { ops, lost } = stopFirst.putBack({
          services: to,
          gate: 'health',
          server: 'h1',
          before: start.containers,
          now,
          cause: 'it failed',
        });
        const ended = simulate(now, ops).at(-1) ?? now;
        expect(lost).toEqual([]);
        for (const { containerName } of to) {
          const was = start.containers.get(containerName);
          expect(ended.get(containerName)).toMatchObject({ id: was?.id, restartPolicy: was?.restartPolicy });
          expect(ended.get(containerName)?.state.running).toBe(true);
          expect(ended.has(`${containerName}.next`)).toBe(false);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('is healed to the restart policies that its containers had, wherever one of them is served with again', () => {
    fc.assert(
      fc.property(updates, fc.nat(), ({ to, start, restart }, cut) => {
        const plan = reconcile(desired(to), start, context);
        const states = simulate(start.containers, [...plan.before, ...plan.during]);
        const left = states[cut % states.length] ?? start.containers;
        const { heal } = reconcile(desired(to), { ...start, containers: left }, context);
        const healed = simulate(left, heal).at(-1) ?? left;
        const back = heal.flatMap((op) => (op.kind === 'start' ? [op.container] : []));
        const successors = new Set([...left.values()].map((each) => each.labels[labels.replaces]));
        const replaced = back.flatMap((name) => healed.get(name) ?? []).filter(({ id }) => successors.has(id));
        for (const { name, restartPolicy } of replaced) expect([name, restartPolicy.name]).toEqual([name, restart]);
      }),
      { numRuns: 300 },
    );
  });

  test('has no container that it stopped or parked and that the daemon or the host would start again', () => {
    fc.assert(
      fc.property(updates, ({ to, start }) => {
        const plan = reconcile(desired(to), start, context);
        for (const state of simulate(start.containers, [...plan.before, ...plan.during])) {
          for (const [name, container] of state) {
            const isStopped = container.state.status === 'exited';
            if (isStopped || name.endsWith('.previous')) expect(container.restartPolicy.name).toBe('no');
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('goes on to its end when its host rebooted in the middle of any op, whether or not the op had come true', () => {
    fc.assert(
      fc.property(updates, fc.nat(), fc.boolean(), ({ to, start }, cut, isDone) => {
        const plan = reconcile(desired(to), start, context);
        const ops = [...plan.before, ...plan.during];
        // After a live change to `no` alone, a host comes back as it was told: with nothing running.
        fc.pre(plan.during.length > 0);
        const index = cut % ops.length;
        const states = simulate(start.containers, ops);
        const rebooted = reboot(states[isDone ? index + 1 : index] ?? start.containers);
        const op = ops[index] as Op;
        const left = recoverOps([op], rebooted);
        if (left === 'unknown') throw new Error(`${op.kind} is no task`);
        const rest = [...left, ...ops.slice(index + 1)];
        const atRest = rest.findIndex((each) => needsOthers(each, to));
        const before = simulate(rebooted, rest.slice(0, atRest)).at(-1) ?? rebooted;
        const ended =
          simulate(before, [
            ...startAgain({ services: to, gate: 'health', order: stopFirst }, before),
            ...rest.slice(atRest),
          ]).at(-1) ?? before;
        expect(serves(ended, to)).toBe(true);
        expect(essence(ended)).toEqual(essence(states.at(-1) ?? start.containers));
      }),
      { numRuns: 1000 },
    );
  });

  test('goes on to its end when the connection or the host was lost in the middle of ops that go together', () => {
    fc.assert(
      fc.property(updates, fc.nat(), fc.nat(), fc.boolean(), ({ to, start }, at, cut, isRebooted) => {
        const ops = reconcile(desired(to), start, context).during;
        const groups = groupsOf(ops);
        fc.pre(groups.length > 0);
        const index = at % groups.length;
        const group = groups[index] ?? [];
        const before = simulate(start.containers, groups.slice(0, index).flat()).at(-1) ?? start.containers;
        const states = simulate(before, group);
        const reached = states[cut % states.length] ?? before;
        const found = isRebooted ? reboot(reached) : reached;
        const left = recoverOps(group, found);
        if (left === 'unknown') throw new Error('there is no task');
        let containers = found;
        let wasAway = true;
        const perform = (some: readonly Op[]): void =>
          void (containers = simulate(containers, some).at(-1) ?? containers);
        for (const [later, whole] of groups.slice(index).entries()) {
          if (wasAway && whole.some((op) => needsOthers(op, to))) {
            perform(startAgain({ services: to, gate: 'health', order: stopFirst }, containers));
            wasAway = false;
          }
          perform(later === 0 ? left : whole);
        }
        expect(serves(containers, to)).toBe(true);
        expect(essence(containers)).toEqual(essence(simulate(start.containers, ops).at(-1) ?? start.containers));
      }),
      { numRuns: 2000 },
    );
  });

  test('is healed wherever it was cut off between its drain and what goes on beside it', () => {
    fc.assert(
      fc.property(updates, fc.array(fc.boolean()), fc.nat(), ({ to, start }, turns, cut) => {
        const [lanes = []] = stagesOf(reconcile(desired(to), start, context).during);
        const [drain = [], beside = []] = lanes;
        const woven = weave([...drain], [...beside], turns);
        const states = simulate(start.containers, woven);
        const left = states[cut % states.length] ?? start.containers;
        expectHealed({ ...start, containers: left }, to);
      }),
      { numRuns: 1000 },
    );
  });
});

test('a run that has ended is undone to the containers that it replaced, with the very policies that they had', () => {
  fc.assert(
    fc.property(updates, ({ to, start, restart }) => {
      const plan = reconcile(desired(to), start, context);
      const now = simulate(start.containers, [...plan.before, ...plan.during, ...plan.after]).at(-1) ?? new Map();
      const replaced = plan.during.flatMap((op) => (op.kind === 'create' ? [op.service] : []));
      const going = new Set(to.filter(({ name }) => replaced.some((each) => each.name === name)));
      const before = stopFirst.before(to, now, going);
      const { ops } = stopFirst.putBack({ services: to, gate: 'health', server: 'h1', before, now, cause: 'rollback' });
      const ended = simulate(now, ops).at(-1) ?? now;
      for (const { name } of going)
        expect(ended.get(name)).toMatchObject({ id: `old-${name}`, restartPolicy: { name: restart } });
    }),
    { numRuns: 300 },
  );
});

describe('the stages of a node', () => {
  test('hold every op once and in its order; only what is prepared while it drains goes on beside its drain', () => {
    fc.assert(
      fc.property(updates, ({ to, start }) => {
        const { during } = reconcile(desired(to), start, context);
        const stages = stagesOf(during);
        expect(stages.flat(2)).toEqual(during);
        for (const [first = [], ...others] of stages) {
          expect(others.flat().every(({ kind }) => /^(?:create|remove|set_restart)$/.test(kind))).toBe(true);
          expect(others.length === 0 || first.map(({ kind }) => kind).join() === 'drain').toBe(true);
        }
      }),
    );
  });

  test('let nothing follow a stop or a start, nor anything that is waited for, in the same command', () => {
    fc.assert(
      fc.property(updates, ({ to, start }) => {
        const { during } = reconcile(desired(to), start, context);
        const groups = groupsOf(during);
        expect(groups.flat()).toEqual(during);
        for (const group of groups) {
          const kinds = group.map(({ kind }) => kind);
          expect(
            kinds.length === 1 || kinds.slice(0, -1).every((kind) => /^(?:set_restart|update|rename)$/.test(kind)),
          ).toBe(true);
        }
      }),
    );
  });
});

/** Two lanes as one, by whose turn it is. */
function weave(first: Op[], second: Op[], turns: readonly boolean[]): readonly Op[] {
  const woven: Op[] = [];
  for (const isFirst of turns) woven.push(...(isFirst ? first : second).splice(0, 1));
  return [...woven, ...first, ...second];
}
