import type { BalancerView, LoadBalancer, ServerState } from '../../src/balancer/view.ts';
import { BalancerWatch } from '../../src/balancer/watch.ts';
import type { Node, Tier } from '../../src/engine/node.ts';
import { admit, drain } from '../../src/engine/rotation.ts';
import { rollWindow } from '../../src/engine/window.ts';
import type { Step } from '../../src/docker/steps.ts';
import { runContext } from './run-context.ts';

/** What the roll of a play of `size` nodes took. */
export interface RollCounts {
  readonly size: number;
  readonly mostOut: number;
  readonly done: number;
  readonly visitsPerServer: number;
  readonly stopsPerNode: number;
  readonly readingsPerWave: number;
}

/** Rolls a quarter at a time, with the engine's own drain and admit, over a balancer that counts what is read of it. */
export async function rollThrough(size: number): Promise<RollCounts> {
  const down = new Set<string>();
  const names = Array.from({ length: size }, (_, index) => `h${index + 1}`);
  let readings = 0;
  let visits = 0;
  let nowMs = 0;
  const clock = {
    now: () => nowMs,
    sleep: async (delayMs: number) => {
      await new Promise(setImmediate);
      nowMs += delayMs;
    },
  };
  const balancer: LoadBalancer = {
    read: async () => {
      // As long as a page takes: who asks meanwhile shares the next one.
      await clock.sleep(5);
      readings += 1;
      const servers = new CountingMap(
        names.map((name) => [name, down.has(name) ? state('down') : state('up')]),
        () => (visits += 1),
      );
      return { atMs: nowMs, readings: [{ balancer: 'lb', servers }] } satisfies BalancerView;
    },
    close: () => undefined,
  };
  const events: string[] = [];
  const context = runContext(clock, ({ type }) => void events.push(type));
  const strategy = {
    drain: { timeoutMs: 30_000, onTimeout: 'force' },
    healthyDeadlineMs: 60_000,
    progressDeadlineMs: 60_000,
  };
  const tier = {
    watch: new BalancerWatch(balancer, clock),
    play: { strategy, healthContainer: 'health' },
  } as unknown as Tier;
  const nodes = names.map((name) => {
    const found = () =>
      Promise.resolve(new Map([['health', { state: { running: !down.has(name), status: 'running' } }]]));
    const docker = {
      inspect: found,
      carryOut: (steps: readonly Step[]) => {
        const verbs = steps.map(({ argv }) => argv[1]);
        if (verbs.includes('stop')) down.add(name);
        if (verbs.includes('start')) down.delete(name);
        return found();
      },
    };
    // Of a node, the window and the rotation use no more than this.
    return { name, server: name, tier, gate: 'health', session: { docker }, result: 'untouched' } as unknown as Node;
  });

  let out = 0;
  let mostOut = 0;
  let stops = 0;
  const blocked = await rollWindow(
    nodes,
    tier,
    { maxUnavailable: size / 4, minAvailable: 1, leftOut: new Set(), stop: () => (stops += 1) < 0 },
    async (node) => {
      out += 1;
      mostOut = Math.max(mostOut, out);
      const op = { server: node.name, container: 'health', cause: 'test' } as const;
      await drain({ kind: 'drain', ...op }, node, context, new AbortController().signal);
      await admit({ kind: 'admit', policy: 'always', ...op }, node, context);
      out -= 1;
    },
    context,
  );
  if (blocked !== undefined) throw new Error(`the window is blocked: ${blocked}`);
  return {
    size,
    mostOut,
    done: events.filter((type) => type === 'node_admitted').length,
    visitsPerServer: visits / readings / size,
    stopsPerNode: stops / size,
    readingsPerWave: readings / 4,
  };
}

function state(status: ServerState['status']): ServerState {
  return { status, raw: status, sessions: 0, queued: 0, counters: undefined };
}

/** Counts every server that is looked at, by its name or one after the other. */
class CountingMap extends Map<string, ServerState> {
  readonly #visit: () => void;

  constructor(entries: readonly (readonly [string, ServerState])[], visit: () => void) {
    super(entries);
    this.#visit = visit;
  }

  override get(name: string): ServerState | undefined {
    this.#visit();
    return super.get(name);
  }

  override *[Symbol.iterator](): MapIterator<[string, ServerState]> {
    for (const entry of super.entries()) {
      this.#visit();
      yield entry;
    }
    return undefined;
  }

  override *keys(): MapIterator<string> {
    for (const name of super.keys()) {
      this.#visit();
      yield name;
    }
    return undefined;
  }
}
