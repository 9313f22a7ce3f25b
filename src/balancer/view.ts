/** A server's state as the balancer itself words it. Only `up` is up. */
export type ServerStatus =
  'up' | 'going_down' | 'coming_up' | 'down' | 'nolb' | 'drain' | 'maint' | 'no_check' | 'unknown';

/** Counters since the balancer's start (or reload). */
export interface ServerCounters {
  readonly requests: number;
  readonly http5xx: number;
  readonly connectionErrors: number;
  readonly responseErrors: number;
  /** Mean over the balancer's last 1,024 requests. */
  readonly responseTimeMs: number;
}

export interface ServerState {
  readonly status: ServerStatus;
  /** As the balancer printed it: `UP 1/3`, `MAINT (via p/s)`. */
  readonly raw: string;
  readonly sessions: number;
  readonly queued: number;
  readonly counters: ServerCounters | undefined;
}

/** What one balancer says of the servers of a backend; or that it could not be asked. */
export type BalancerReading =
  | { readonly balancer: string; readonly servers: ReadonlyMap<string, ServerState> }
  | { readonly balancer: string; readonly error: string };

/** What all balancers of a play say, at one moment. */
export interface BalancerView {
  readonly atMs: number;
  readonly readings: readonly BalancerReading[];
}

/** Reads a play's balancers; the waits, the decisions and the words are elsewhere. */
export interface LoadBalancer {
  /** Never rejects: a balancer that cannot be read is an `error` reading. */
  read(signal?: AbortSignal): Promise<BalancerView>;
  close(): void;
}

/** Why the view cannot be relied on: the balancers that could not be read. Undefined when all could. */
export function unreadable(view: BalancerView): string | undefined {
  const errors = view.readings.flatMap((reading) =>
    'error' in reading ? [`${reading.balancer}: ${reading.error}`] : [],
  );
  return errors.length === 0 ? undefined : errors.join('; ');
}

/** One server as each balancer sees it; empty where one of them could not be read or does not know it. */
export function statesOf(view: BalancerView, server: string): readonly ServerState[] {
  const states = view.readings.map((reading) => ('error' in reading ? undefined : reading.servers.get(server)));
  return states.every((state) => state !== undefined) ? states : [];
}

/** Every balancer, each of them readable, shows the server exactly UP. */
export function isUp(view: BalancerView, server: string): boolean {
  const states = statesOf(view, server);
  return states.length > 0 && states.every(({ status }) => status === 'up');
}

/** No balancer sends to the server or holds a session or a queued request of it. HAProxy keeps open sessions on a DOWN server, so DOWN alone is not drained. */
export function isIdle(view: BalancerView, server: string): boolean {
  const states = statesOf(view, server);
  return (
    states.length > 0 &&
    states.every(({ status, sessions, queued }) => isOutOfRotation(status) && sessions === 0 && queued === 0)
  );
}

/** An operator took the server out at some balancer: it stays so. */
export function isHeldOut(view: BalancerView, server: string): boolean {
  return statesOf(view, server).some(({ status }) => status === 'maint' || status === 'drain');
}

/** A balancer whose counters went back between two views: it was restarted or reloaded. */
export function restartedBalancer(before: BalancerView, after: BalancerView): string | undefined {
  // Every node on its way out asks this of every reading, and nearly always of the same two.
  const known = restarts.get(after);
  if (known?.before === before) return known.restarted;
  const restarted = findRestarted(before, after);
  restarts.set(after, { before, restarted });
  return restarted;
}

const restarts = new WeakMap<BalancerView, { readonly before: BalancerView; readonly restarted: string | undefined }>();

function findRestarted(before: BalancerView, after: BalancerView): string | undefined {
  return after.readings.find((reading) => {
    const earlier = before.readings.find(({ balancer }) => balancer === reading.balancer);
    if (earlier === undefined || 'error' in earlier || 'error' in reading) return false;
    for (const [server, { counters }] of reading.servers)
      if ((counters?.requests ?? 0) < (earlier.servers.get(server)?.counters?.requests ?? 0)) return true;
    return false;
  })?.balancer;
}

/** Servers that every balancer shows exactly UP; none while a balancer cannot be read. */
export const serversUp = oncePerView(findServersUp);

/** Every server of the backend that any balancer knows. */
export const serverNames = oncePerView(findServerNames);

/** What goes through all servers of a view does so once, however many nodes ask. */
function oncePerView<Result extends object>(find: (view: BalancerView) => Result): (view: BalancerView) => Result {
  const found = new WeakMap<BalancerView, Result>();
  return (view) => {
    const known = found.get(view) ?? find(view);
    found.set(view, known);
    return known;
  };
}

function findServersUp(view: BalancerView): ReadonlySet<string> {
  const [first, ...others] = view.readings.map((reading) => ('error' in reading ? undefined : reading.servers));
  if (first === undefined) return new Set();
  const up = new Set<string>();
  for (const [server, { status }] of first) {
    if (status === 'up' && others.every((servers) => servers?.get(server)?.status === 'up')) up.add(server);
  }
  return up;
}

function findServerNames(view: BalancerView): readonly string[] {
  return [...new Set(view.readings.flatMap((reading) => ('error' in reading ? [] : [...reading.servers.keys()])))];
}

/** Open sessions and queued requests of a server, over all balancers. */
export function sessionsOf(view: BalancerView, server: string): number {
  return statesOf(view, server).reduce((sum, { sessions, queued }) => sum + sessions + queued, 0);
}

/** `UP`, or `UP at lb1, DOWN 1/2 at lb2` where they differ. */
export function describeServer(view: BalancerView, server: string): string {
  const words = view.readings.map((reading) => ({
    balancer: reading.balancer,
    state:
      'error' in reading ? `unreadable (${reading.error})` : (reading.servers.get(server)?.raw ?? 'not in the backend'),
  }));
  const distinct = new Set(words.map(({ state }) => state));
  if (distinct.size === 1) return words[0]?.state ?? 'unknown';
  return words.map(({ balancer, state }) => `${state} at ${balancer}`).join(', ');
}

/** `UP n/m` still gets requests and `no check` always does. */
function isOutOfRotation(status: ServerStatus): boolean {
  return status !== 'up' && status !== 'going_down' && status !== 'no_check' && status !== 'unknown';
}
