import { describeServer, serverNames, serversUp, unreadable, type BalancerView } from '../balancer/view.ts';

/** Where a rollout stands: what the scheduler decides on. Sets and queues, so that a step costs what it starts. */
export interface RolloutState {
  /** Hosts still to be started, in order. */
  readonly pending: readonly string[];
  /** Hosts under way: out of rotation or on their way out or back, and those that a failure left out. */
  readonly out: ReadonlySet<string>;
  readonly maxUnavailable: number;
  /** Servers that every balancer must show UP besides the one leaving. */
  readonly minAvailable: number;
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
 * servers UP besides it and besides those that are already on their way out. A node that is not UP anyway takes
 * nothing away, and so may start as soon as there is a place.
 */
export function schedule(state: RolloutState, view: BalancerView | undefined): Decision {
  const { pending, out, maxUnavailable, minAvailable, serverOf } = state;
  if (pending.length === 0) return { start: [] };
  const places = maxUnavailable - out.size;
  if (places <= 0) return { start: [], blocked: `${out.size} of at most ${maxUnavailable} nodes are out` };
  if (view === undefined)
    return { start: pending.slice(0, places), ...blockedBehind(pending.length > places, maxUnavailable) };

  const trouble = unreadable(view);
  if (trouble !== undefined) return { start: [], blocked: `the balancer cannot be read: ${trouble}` };

  const up = serversUp(view);
  // Nodes on their way out may still show UP: their capacity is gone all the same.
  let available = up.size - countIn(out, (host) => up.has(serverOf(host)));
  const start: string[] = [];
  for (const host of pending) {
    if (start.length === places) return { start, ...blockedBehind(true, maxUnavailable) };
    const server = serverOf(host);
    const isUp = up.has(server);
    if (isUp && available - 1 < minAvailable) {
      const shows = describeAvailability(available - 1, minAvailable, view);
      return { start, blocked: `${host} cannot leave: besides it ${shows}` };
    }
    if (isUp) available -= 1;
    start.push(host);
  }
  return { start };
}

function blockedBehind(isBlocked: boolean, maxUnavailable: number): { blocked?: string } {
  return isBlocked ? { blocked: `at most ${maxUnavailable} nodes may be out at once` } : {};
}

function describeAvailability(others: number, minAvailable: number, view: BalancerView): string {
  const up = serversUp(view);
  const down = serverNames(view).filter((server) => !up.has(server));
  const list = down.slice(0, 3).map((server) => `${server} is ${describeServer(view, server)}`);
  const more = down.length > 3 ? ` and ${down.length - 3} more` : '';
  const detail = list.length === 0 ? '' : ` (${list.join(', ')}${more})`;
  return `${others} would be UP, ${minAvailable} must${detail}`;
}

function countIn<T>(items: Iterable<T>, holds: (item: T) => boolean): number {
  let count = 0;
  for (const item of items) if (holds(item)) count += 1;
  return count;
}
