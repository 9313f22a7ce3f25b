import { unreadable, type BalancerView } from '../balancer/view.ts';
import { Capacity, type CountedServers } from './capacity.ts';

/** Where a rollout stands: what the scheduler decides on. Sets and queues, so that a step costs what it starts. */
export interface RolloutState {
  /** Hosts still to be started, in order. */
  readonly pending: readonly string[];
  /** Hosts under way: out of rotation or on their way out or back, and those that a failure left out. */
  readonly out: ReadonlySet<string>;
  readonly maxUnavailable: number;
  /** Nodes that must get requests from every balancer besides the one leaving. */
  readonly minAvailable: number;
  /** Servers that are nodes of the play. */
  readonly servers: CountedServers;
  /** The balancer's server name of a host. */
  readonly serverOf: (host: string) => string;
}

export interface Decision {
  /** Hosts to start now, in order. */
  readonly start: readonly string[];
  /** Why no further one starts; undefined when none is pending. */
  readonly blocked?: string;
}

/**
 * Who may start now, given what the balancers show right now (undefined: the play has none).
 *
 * Never more than `maxUnavailable` out at once, and never a node leaving that would leave fewer than `minAvailable`
 * nodes with requests besides it and besides those that are already on their way out. A node that gets no requests takes
 * nothing away, and so may start as soon as there is a place.
 */
export function schedule(state: RolloutState, view: BalancerView | undefined): Decision {
  const { pending, out, maxUnavailable, minAvailable, servers, serverOf } = state;
  if (pending.length === 0) return { start: [] };
  const places = maxUnavailable - out.size;
  if (places <= 0) return { start: [], blocked: `${out.size} of at most ${maxUnavailable} nodes are out` };
  if (view === undefined)
    return { start: pending.slice(0, places), ...blockedBehind(pending.length > places, maxUnavailable) };

  const trouble = unreadable(view);
  if (trouble !== undefined) return { start: [], blocked: `the balancer cannot be read: ${trouble}` };

  const capacity = new Capacity(view, servers, minAvailable);
  // Nodes on their way out may still show UP: their capacity is gone all the same.
  for (const host of out) capacity.remove(serverOf(host));
  const start: string[] = [];
  for (const host of pending) {
    if (start.length === places) return { start, ...blockedBehind(true, maxUnavailable) };
    const server = serverOf(host);
    const refusal = capacity.refusal(server);
    if (refusal !== undefined) return { start, blocked: `${host} cannot leave: ${refusal}` };
    capacity.remove(server);
    start.push(host);
  }
  return { start };
}

function blockedBehind(isBlocked: boolean, maxUnavailable: number): { blocked?: string } {
  return isBlocked ? { blocked: `at most ${maxUnavailable} nodes may be out at once` } : {};
}
