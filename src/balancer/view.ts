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
  close(): Promise<void>;
}
