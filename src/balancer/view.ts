/** A server's state as the balancer itself words it. Only `up` is up. */
export type ServerStatus =
  'up' | 'going_down' | 'coming_up' | 'down' | 'nolb' | 'drain' | 'agent_drain' | 'maint' | 'no_check' | 'unknown';

/** Counters since the balancer's start (or reload). */
export interface ServerCounters {
  readonly requests: number;
  readonly http5xx: number;
  readonly connectionErrors: number;
  readonly responseErrors: number;
  /** Connections tried once more at the same server: each a try that the server failed, and that no client noticed. */
  readonly retries?: number;
  /** Requests that another server was given after this one had failed them. */
  readonly redispatches?: number;
  /** Mean over the balancer's last 1,024 requests. */
  readonly responseTimeMs: number;
  /** Answers below 500; undefined where the balancer does not look into answers. */
  readonly answered?: number | undefined;
  /** Which of the balancer's processes has counted; each has its own counters. */
  readonly process?: number;
}

export interface ServerState {
  readonly status: ServerStatus;
  /** As the balancer printed it: `UP 1/3`, `MAINT (via p/s)`. */
  readonly raw: string;
  /** Open ones; undefined where the balancer does not tell. */
  readonly sessions: number | undefined;
  readonly queued: number;
  readonly counters: ServerCounters | undefined;
  /** Its share of the requests; 0 gets none. Undefined where the balancer does not tell. */
  readonly weight?: number | undefined;
  /** It gets requests only while every other server is down. */
  readonly isBackup?: true | undefined;
  /** `address:port` that it is sent to, where the balancer tells. */
  readonly address?: string | undefined;
}

/** The servers among which a balancer chooses. */
export interface Pool {
  readonly servers: ReadonlyMap<string, ServerState>;
  /** With no other server left all backup servers get requests, not the first one alone. */
  readonly sharesBackups?: true;
}

/** A server of a backend that nobody asked for. */
export interface ForeignServer {
  readonly backend: string;
  readonly server: string;
  readonly address?: string;
  /** Open and queued. */
  readonly sessions: number;
}

/** What one balancer says of a backend; or that it could not be asked. */
export type BalancerReading =
  | ({
      /** Names the backend as well where several are read. */
      readonly balancer: string;
      /** Those that hold sessions. */
      readonly elsewhere?: readonly ForeignServer[];
    } & Pool)
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

/** One server in each pool that has it; empty where a balancer could not be read or none knows the server. */
export function statesOf(view: BalancerView, server: string): readonly ServerState[] {
  const states: ServerState[] = [];
  for (const reading of view.readings) {
    if ('error' in reading) return [];
    const state = reading.servers.get(server);
    if (state !== undefined) states.push(state);
  }
  return states;
}

/** Every balancer is readable, and each that has the server shows it exactly UP. */
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

/** Who keeps the server out at some balancer: an operator, for good, or its own agent check, until that says otherwise. */
export function heldOutBy(view: BalancerView, server: string): 'operator' | 'agent' | undefined {
  const states = statesOf(view, server);
  if (states.some(({ status }) => status === 'maint' || status === 'drain')) return 'operator';
  return states.some(({ status }) => status === 'agent_drain') ? 'agent' : undefined;
}

/** Pools where the server is UP and yet gets no request by its own settings: weight 0, or a backup server. */
export function withoutTraffic(view: BalancerView, server: string): readonly string[] {
  return view.readings.flatMap((reading) => {
    if ('error' in reading) return [];
    const state = reading.servers.get(server);
    if (state?.status !== 'up' || !isIdleByItself(state)) return [];
    return [`${describeState(state)} at ${reading.balancer}`];
  });
}

const isIdleByItself = ({ weight, isBackup }: ServerState): boolean => weight === 0 || isBackup === true;

/** Sessions that servers of the same name or address hold in backends that are not read, as `2 in api at lb1/stats`. */
export function sessionsElsewhere(view: BalancerView, server: string): readonly string[] {
  const found = new Set<string>();
  for (const reading of view.readings) {
    if ('error' in reading || reading.elsewhere === undefined) continue;
    const address = reading.servers.get(server)?.address;
    for (const foreign of reading.elsewhere) {
      // An address tells more than a name, which may be that of a host with other services too.
      const isSame =
        address === undefined || foreign.address === undefined
          ? foreign.server === server
          : foreign.address === address;
      if (isSame) found.add(`${foreign.sessions} in backend ${foreign.backend}`);
    }
  }
  return [...found];
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

function findServerNames(view: BalancerView): readonly string[] {
  return [...new Set(view.readings.flatMap((reading) => ('error' in reading ? [] : [...reading.servers.keys()])))];
}

/** Open sessions and queued requests of a server, over all balancers that count them. */
export function sessionsOf(view: BalancerView, server: string): number {
  return statesOf(view, server).reduce((sum, { sessions, queued }) => sum + (sessions ?? 0) + queued, 0);
}

/** Some balancer that does not send to the server any more cannot say how many sessions it still has of it. */
export function isUncounted(view: BalancerView, server: string): boolean {
  return statesOf(view, server).some(({ status, sessions }) => isOutOfRotation(status) && sessions === undefined);
}

/** `UP`, or `UP at lb1, DOWN 1/2 at lb2` where they differ. */
export function describeServer(view: BalancerView, server: string): string {
  const words = view.readings.map((reading) => ({
    balancer: reading.balancer,
    state:
      'error' in reading
        ? `no answer from the balancer (${reading.error})`
        : describeState(reading.servers.get(server)),
  }));
  const distinct = new Set(words.map(({ state }) => state));
  if (distinct.size === 1) return words[0]?.state ?? 'unknown';
  return words.map(({ balancer, state }) => `${state} at ${balancer}`).join(', ');
}

/** The balancer's own word, and why it may not mean what it says: `UP with weight 0`. */
function describeState(state: ServerState | undefined): string {
  if (state === undefined) return 'not in the backend';
  const { raw, weight, isBackup } = state;
  return `${raw}${weight === 0 ? ' with weight 0' : ''}${isBackup === true ? ' as a backup server' : ''}`;
}

/** `UP n/m` still gets requests and `no check` always does. */
function isOutOfRotation(status: ServerStatus): boolean {
  return status !== 'up' && status !== 'going_down' && status !== 'no_check' && status !== 'unknown';
}
