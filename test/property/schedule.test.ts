import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BalancerView, ServerState } from '../../src/balancer/view.ts';
import { schedule } from '../../src/plan/schedule.ts';

const state = (status: ServerState['status']): ServerState => ({
  status,
  raw: status,
  sessions: 0,
  queued: 0,
  counters: undefined,
});

function viewOf(up: ReadonlySet<string>, all: readonly string[]): BalancerView {
  return {
    atMs: 0,
    readings: [{ balancer: 'lb', servers: new Map(all.map((name) => [name, state(up.has(name) ? 'up' : 'down')])) }],
  };
}

const fleets = fc.record({
  size: fc.integer({ min: 1, max: 40 }),
  maxUnavailable: fc.integer({ min: 1, max: 12 }),
  minAvailable: fc.integer({ min: 0, max: 20 }),
  down: fc.array(fc.nat({ max: 39 }), { maxLength: 10 }),
  /** Per step: which of the running nodes ends, and whether it comes back. */
  steps: fc.array(fc.record({ pick: fc.nat(), returns: fc.boolean() }), { minLength: 120, maxLength: 120 }),
});

describe('over any fleet and any order of events', () => {
  test('never more are out than allowed, and no node leaves that would leave too few UP', () => {
    fc.assert(
      fc.property(fleets, ({ size, maxUnavailable, minAvailable, down, steps }) => {
        const all = Array.from({ length: size }, (_, index) => `h${index + 1}`);
        const up = new Set(all.filter((_, index) => !down.includes(index)));
        const pending = [...all];
        const active = new Set<string>();
        const leftOut = new Set<string>();
        for (const { pick, returns } of steps) {
          const out = new Set([...active, ...leftOut]);
          const upBefore = new Set(up);
          const { start, blocked } = schedule(
            { pending, out, maxUnavailable, minAvailable, serverOf: (host) => host, servers: undefined },
            viewOf(up, all),
          );
          expect(start).toEqual(pending.slice(0, start.length));
          expect(out.size + start.length).toBeLessThanOrEqual(Math.max(maxUnavailable, out.size));
          if (pending.length > start.length) expect(blocked).toBeTypeOf('string');
          const serving = [...upBefore].filter((name) => !out.has(name) && !start.includes(name));
          if (start.some((name) => upBefore.has(name))) expect(serving.length).toBeGreaterThanOrEqual(minAvailable);
          for (const host of start) {
            pending.shift();
            active.add(host);
            up.delete(host);
          }
          const ends = [...active][pick % Math.max(1, active.size)];
          if (ends === undefined) continue;
          active.delete(ends);
          if (returns) up.add(ends);
          else leftOut.add(ends);
        }
      }),
      { numRuns: 1500 },
    );
  });

  test('it always ends where every node comes back and capacity allows one to leave', () => {
    fc.assert(
      fc.property(fleets, ({ size, maxUnavailable }) => {
        const all = Array.from({ length: size }, (_, index) => `h${index + 1}`);
        const up = new Set(all);
        const pending = [...all];
        for (let round = 0; pending.length > 0; round += 1) {
          expect(round).toBeLessThan(size + 1);
          const { start } = schedule(
            {
              pending,
              out: new Set(),
              maxUnavailable,
              minAvailable: Math.max(0, size - 1),
              serverOf: (host) => host,
              servers: undefined,
            },
            viewOf(up, all),
          );
          pending.splice(0, start.length);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('nothing starts while a balancer cannot be read', () => {
    const view: BalancerView = {
      atMs: 0,
      readings: [...viewOf(new Set(['h1', 'h2']), ['h1', 'h2']).readings, { balancer: 'lb2', error: 'refused' }],
    };
    expect(
      schedule(
        {
          pending: ['h1'],
          out: new Set(),
          maxUnavailable: 1,
          minAvailable: 0,
          serverOf: (host) => host,
          servers: undefined,
        },
        view,
      ),
    ).toEqual({
      start: [],
      blocked: 'the balancer cannot be read: lb2: refused',
    });
  });

  test('a node that is UP at one balancer only is not UP, and says where it is not', () => {
    const servers = (status: ServerState['status']): ReadonlyMap<string, ServerState> =>
      new Map([
        ['h1', state('up')],
        ['h2', state(status)],
      ]);
    const view: BalancerView = {
      atMs: 0,
      readings: [
        { balancer: 'lb1', servers: servers('up') },
        { balancer: 'lb2', servers: servers('down') },
      ],
    };
    expect(
      schedule(
        {
          pending: ['h1', 'h2'],
          out: new Set(),
          maxUnavailable: 2,
          minAvailable: 1,
          serverOf: (host) => host,
          servers: undefined,
        },
        view,
      ),
    ).toEqual({
      start: [],
      blocked: 'h1 cannot leave: 0 other nodes get requests at lb1, at least 1 must (h2 is up at lb1, down at lb2)',
    });
  });
});
