import { serverNames, unreadable, type BalancerView } from '../balancer/view.ts';
import type { PoolCount, TrafficSeen } from '../events/event.ts';
import { servingNodes } from '../plan/capacity.ts';
import { countTraffic, nothingCounted, sumOf, type Readings } from '../plan/traffic.ts';
import type { RunContext } from './context.ts';
import type { Tier } from './node.ts';

/** Often enough to see a fall in capacity, and seldom enough for a journal of hours. */
const everyMs = 2000;

/**
 * Says what the balancers show while a run works, out of readings that somebody else has asked for: it reads nothing
 * itself. It lasts to the end of the block: `using _gauges = gaugeAll(tiers, context)`.
 */
export function gaugeAll(tiers: readonly Tier[], context: RunContext): Disposable {
  const stops = tiers.flatMap((tier) => {
    const gauge = new Gauge();
    const say = (view: BalancerView): void => {
      const seen = gauge.seen(view, tier.servers);
      if (seen !== undefined) context.emit({ type: 'traffic_seen', play: tier.play.name, ...seen });
    };
    const stop = tier.watch?.listen(say);
    return stop === undefined ? [] : [stop];
  });
  return { [Symbol.dispose]: () => stops.forEach((stop) => stop()) };
}

/** From one reading to the next: what there was to count between them. */
export class Gauge {
  #readings: Readings = new Map();
  #saidAtMs: number | undefined;

  /** Undefined where it is too soon, or a balancer could not be read. */
  seen(view: BalancerView, servers: Tier['servers']): TrafficSeen | undefined {
    const spanMs = this.#saidAtMs === undefined ? 0 : view.atMs - this.#saidAtMs;
    if ((this.#saidAtMs !== undefined && spanMs < everyMs) || unreadable(view) !== undefined) return undefined;
    const { readings, counted } = countTraffic(this.#readings, view);
    this.#readings = readings;
    this.#saidAtMs = view.atMs;
    const { requests, errors } = counted.reduce(sumOf, nothingCounted);
    const sessions = openSessions(view);
    return {
      pool: poolCount(view, servers),
      ...(sessions === undefined ? {} : { sessions }),
      ...(counted.length === 0 ? {} : { requests, errors }),
      spanMs,
    };
  }
}

/** How much of the pool serves, for those who watch. */
export function poolCount(view: BalancerView, servers: Tier['servers']): PoolCount {
  return { up: servingNodes(view, servers), servers: servers?.size ?? serverNames(view).length };
}

/** Undefined where some server's are not counted. */
function openSessions(view: BalancerView): number | undefined {
  let sum = 0;
  for (const reading of view.readings) {
    if ('error' in reading) return undefined;
    for (const { sessions, queued } of reading.servers.values()) {
      if (sessions === undefined) return undefined;
      sum += sessions + queued;
    }
  }
  return sum;
}
