import {
  describeServer,
  isUp,
  serverNames,
  type BalancerReading,
  type BalancerView,
  type Pool,
  type ServerState,
} from '../balancer/view.ts';

/** The play's nodes by their names in the balancer; undefined where those cannot be told: then every server counts. */
export type CountedServers = ReadonlySet<string> | undefined;

/** Who gets requests in a pool just now, as the balancer chooses. */
interface Share {
  readonly balancer: string;
  readonly pool: Pool;
  /** Get requests: running, with a weight, no backup. Those of strangers among them. */
  readonly active: ReadonlySet<string>;
  /** Take their place when none of them is left, in this order. */
  readonly backups: readonly string[];
  /** Nodes that are UP wherever they are listed, backup or not. */
  readonly counted: ReadonlySet<string>;
  /** How many of `active` are counted. */
  readonly countedActive: number;
  /** Nodes that the pool lists, in whatever state. */
  readonly listed: number;
}

/** What of a share is gone by now: kept up to date, as a decision asks it for every node that is pending. */
interface Losses {
  /** Of `active`. */
  active: number;
  /** Of `active` and counted. */
  counted: number;
}

/**
 * What the balancers' pools can spare. A node is capacity where it gets requests: one with weight 0 is none, and a backup
 * server is none while an active one is left, as with HAProxy itself. Servers that are no nodes of the play are none.
 */
export class Capacity {
  readonly #view: BalancerView;
  readonly #servers: CountedServers;
  readonly #minAvailable: number;
  readonly #shares: readonly (Share & { readonly lost: Losses })[];
  readonly #gone = new Set<string>();

  constructor(view: BalancerView, servers: CountedServers, minAvailable: number) {
    this.#view = view;
    this.#servers = servers;
    this.#minAvailable = minAvailable;
    this.#shares = poolsOf(view, servers).shares.map((share) => ({ ...share, lost: { active: 0, counted: 0 } }));
  }

  /** From here on it gets no requests. */
  remove(server: string): void {
    if (this.#gone.has(server)) return;
    this.#gone.add(server);
    for (const { active, counted, lost } of this.#shares) {
      if (!active.has(server)) continue;
      lost.active += 1;
      if (counted.has(server)) lost.counted += 1;
    }
  }

  /** Why the server may not leave besides those that are gone; undefined where it may. One that gets no requests takes nothing away. */
  refusal(server: string): string | undefined {
    for (const share of this.#shares) {
      if (!this.#isServing(share, server)) continue;
      const others = this.#available(share, server);
      const wanted = this.#wanted(share);
      if (others >= wanted) continue;
      const place = this.#shares.length === 1 ? '' : ` at ${share.balancer}`;
      return `${others} other ${others === 1 ? 'node gets' : 'nodes get'} requests${place}, at least ${wanted} must${this.#idle(share, server)}`;
    }
    return undefined;
  }

  #isServing({ active, backups, pool, lost }: Share & { readonly lost: Losses }, server: string): boolean {
    if (this.#gone.has(server)) return false;
    if (active.has(server)) return true;
    if (lost.active < active.size) return false;
    const left = backups.filter((name) => !this.#gone.has(name));
    return pool.sharesBackups === true ? left.includes(server) : left[0] === server;
  }

  /** Nodes that would get requests without `leaving`, which is not gone yet. */
  #available(share: Share & { readonly lost: Losses }, leaving: string): number {
    const { active, backups, counted, countedActive, pool, lost } = share;
    const isActive = active.has(leaving);
    if (lost.active + (isActive ? 1 : 0) < active.size)
      return countedActive - lost.counted - (isActive && counted.has(leaving) ? 1 : 0);
    const left = backups.filter((name) => name !== leaving && !this.#gone.has(name));
    const serving = pool.sharesBackups === true ? left : left.slice(0, 1);
    return serving.filter((name) => counted.has(name)).length;
  }

  /** A pool that lists only some of the nodes cannot keep more of them than all but one. */
  #wanted({ listed }: Share): number {
    const total = this.#servers?.size ?? listed;
    if (this.#minAvailable === 0 || listed >= total) return this.#minAvailable;
    return Math.max(1, Math.min(this.#minAvailable, listed - 1));
  }

  #idle(share: Share, leaving: string): string {
    const names = [...share.pool.servers.keys()].filter(
      (name) =>
        name !== leaving &&
        (this.#servers === undefined || this.#servers.has(name)) &&
        (this.#gone.has(name) || !(share.active.has(name) && share.counted.has(name))),
    );
    const stateOf = (name: string): string => (this.#gone.has(name) ? 'out' : describeServer(this.#view, name));
    const list = names.slice(0, 3).map((name) => `${name} is ${stateOf(name)}`);
    const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
    return list.length === 0 ? '' : ` (${list.join(', ')}${more})`;
  }
}

/** Nodes that get requests at every balancer that lists them. */
export function servingNodes(view: BalancerView, servers: CountedServers): number {
  const pools = poolsOf(view, servers);
  return (pools.serving ??= countServing(view, servers, pools.shares));
}

function countServing(view: BalancerView, servers: CountedServers, shares: readonly Share[]): number {
  const names = servers ?? serverNames(view);
  let serving = 0;
  for (const name of names) {
    const own = shares.filter(({ pool }) => pool.servers.has(name));
    if (own.length > 0 && own.every((share) => share.counted.has(name) && isChosen(share, name))) serving += 1;
  }
  return serving;
}

const isChosen = ({ active, backups, pool }: Share, name: string): boolean =>
  active.has(name) || (active.size === 0 && (pool.sharesBackups === true || backups[0] === name));

/** The same fleet when everything has recovered that recovers by itself: what operators have set stays. */
export function recovered(view: BalancerView): BalancerView {
  return mapStates(view, (state) =>
    state.status === 'maint' || state.status === 'drain' ? state : { ...state, status: 'up' },
  );
}

/** The same fleet when operators have given back all that they set, too. */
export function allReady(view: BalancerView): BalancerView {
  return mapStates(view, (state) => ({
    ...state,
    status: 'up',
    ...(state.weight === undefined ? {} : { weight: Math.max(1, state.weight) }),
  }));
}

function mapStates(view: BalancerView, change: (state: ServerState) => ServerState): BalancerView {
  const readings = view.readings.map((reading): BalancerReading => {
    if ('error' in reading) return reading;
    return { ...reading, servers: new Map([...reading.servers].map(([name, state]) => [name, change(state)])) };
  });
  return { ...view, readings };
}

interface Pools {
  readonly servers: CountedServers;
  readonly shares: readonly Share[];
  /** Counted when it is first asked for: every node that leaves or comes back says how many serve. */
  serving?: number;
}

/** However many steps a view decides, its pools are gone through once. */
const known = new WeakMap<BalancerView, Pools>();

function poolsOf(view: BalancerView, servers: CountedServers): Pools {
  const found = known.get(view);
  if (found !== undefined && found.servers === servers) return found;
  const shares = view.readings.flatMap((reading) => ('error' in reading ? [] : [shareOf(reading, view, servers)]));
  const pools = { servers, shares };
  known.set(view, pools);
  return pools;
}

function shareOf(
  reading: Exclude<BalancerReading, { readonly error: string }>,
  view: BalancerView,
  servers: CountedServers,
): Share {
  const active = new Set<string>();
  const backups: string[] = [];
  const counted = new Set<string>();
  let countedActive = 0;
  let listed = 0;
  for (const [name, state] of reading.servers) {
    const isNode = servers === undefined || servers.has(name);
    if (isNode) listed += 1;
    if (!isRunning(state) || state.weight === 0) continue;
    if (state.isBackup === true) backups.push(name);
    else active.add(name);
    if (!isNode || !isUp(view, name)) continue;
    counted.add(name);
    if (state.isBackup !== true) countedActive += 1;
  }
  return { balancer: reading.balancer, pool: reading, active, backups, counted, countedActive, listed };
}

/** The balancer sends to it, whether it is sure of it or not. */
function isRunning({ status }: ServerState): boolean {
  return status === 'up' || status === 'going_down' || status === 'no_check' || status === 'unknown';
}
