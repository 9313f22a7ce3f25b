import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Container, Observed } from '../../src/docker/observed.ts';
import type { Service } from '../../src/model/service.ts';
import { isUnchanged, reconcile } from '../../src/plan/reconcile.ts';
import { planRestore } from '../../src/plan/restore.ts';
import { container, desired, observed, service, simulate } from '../support/simulated-host.ts';

const context = { host: 'h1', play: 'web tier', gate: 'health', removeOrphans: false };

/** A host that serves `from`, and a play that wants `to`; which services differ is arbitrary. */
const updates = fc
  .record({
    extra: fc.integer({ min: 0, max: 2 }),
    changed: fc.array(fc.constantFrom('health', 'app', 'extra1', 'extra2'), { minLength: 1, maxLength: 4 }),
    parked: fc.boolean(),
    restart: fc.constantFrom('no', 'always', 'unless-stopped'),
  })
  .map(({ extra, changed, parked, restart }) => {
    const names: string[] = ['health', 'app', 'extra1', 'extra2'].slice(0, 2 + extra);
    const changes: readonly string[] = changed;
    const make = (name: string, version: string): Service =>
      service(name, version, restart === 'no' ? {} : { spec: { restart } });
    const from = names.map((name) => make(name, 'v1'));
    const to = names.map((name) => make(name, changes.includes(name) ? 'v2' : 'v1'));
    const running: Container[] = from.map((entry) => container(entry, { restart }));
    if (parked)
      running.push(...from.map((entry) => container({ ...entry }, { name: `${entry.name}.previous`, running: false })));
    return { from, to, start: observed(running), restart };
  });

const serves = (containers: Observed['containers'], services: readonly Service[]): boolean =>
  services.every(({ containerName }) => containers.get(containerName)?.state.running === true);

describe('a node whose run was cut off after any op', () => {
  test('is healed by the next run to serving, with containers that are there, before anything is updated', () => {
    fc.assert(
      fc.property(updates, fc.nat(), ({ to, start }, cut) => {
        const plan = reconcile(desired(to), start, context);
        const states = simulate(start.containers, [...plan.before, ...plan.during]);
        const left = states[cut % states.length] ?? start.containers;
        const next = reconcile(desired(to), { ...start, containers: left }, context);
        const healed = simulate(left, next.heal).at(-1) ?? left;
        expect(serves(healed, to)).toBe(true);
        expect([...healed.keys()].filter((name) => name.endsWith('.next'))).toEqual([]);
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
        const { ops, lost } = planRestore({
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

  test('never has two containers that would both come back with the daemon and want one port', () => {
    fc.assert(
      fc.property(updates, ({ to, start }) => {
        const plan = reconcile(desired(to), start, context);
        for (const state of simulate(start.containers, [...plan.before, ...plan.during])) {
          for (const [name, { restartPolicy }] of state) {
            if (name.endsWith('.previous')) expect(restartPolicy.name).toBe('no');
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
