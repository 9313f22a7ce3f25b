import { setMaxListeners } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import type { Clock } from '../model/clock.ts';
import { Latencies } from './latencies.ts';
import { slept, systemClock } from './timing.ts';

export interface LoadOptions {
  /** The front end; requests go to its `/` and `/slow`. */
  readonly url: string;
  /** Requests at the same time; default 20. */
  readonly connections?: number;
  /** The share of connections that hold slow requests, one after the other; default 0.25. */
  readonly slowShare?: number;
  /** How long those take, from the shortest to the longest; default 1 to 2 s. */
  readonly slowMs?: readonly [number, number];
  /** Default true. */
  readonly keepAlive?: boolean;
  /** Pause of a connection after each quick answer; default 10. */
  readonly thinkMs?: number;
  /** A request without an answer for so long has failed; default 30 s. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

export interface LoadFailure {
  /** Since the epoch. */
  readonly atMs: number;
  readonly kind: 'refused' | 'reset' | 'timeout' | 'status';
  readonly status?: number;
  readonly path: string;
}

export interface LoadCounts {
  /** Ended, well or badly. */
  readonly requests: number;
  readonly ok: number;
  readonly failed: number;
  /** Requests on a kept connection that the server had closed meanwhile, sent again on a new one as every client does. */
  readonly retries: number;
}

export interface LoadReport extends LoadCounts {
  readonly durationMs: number;
  readonly failures: readonly LoadFailure[];
  /** Good answers by the version that gave them. */
  readonly byVersion: Readonly<Record<string, number>>;
  /** Of the quick requests alone: the slow ones take what they were told to. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Load {
  readonly counts: LoadCounts;
  /** Begins no new request, waits for those under way, and resolves to what happened. */
  stop(): Promise<LoadReport>;
}

type Outcome =
  | { readonly kind: 'ok'; readonly version: string }
  | { readonly kind: LoadFailure['kind'] | 'stale'; readonly status?: number };

/** Clients of a web application: each has one connection, and a new request as soon as it has its answer. */
export function startLoad(options: LoadOptions): Load {
  return new Clients(options);
}

const slowMsByDefault = [1000, 2000] as const;

class Clients implements Load {
  readonly #options: LoadOptions;
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  readonly #stopping = new AbortController();
  readonly #clients: readonly Promise<void>[];
  readonly #latencies = new Latencies();
  readonly #failures: LoadFailure[] = [];
  readonly #byVersion = new Map<string, number>();
  #ok = 0;
  #retries = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#startedAtMs = this.#clock.now();
    setMaxListeners(0, this.#stopping.signal);
    const connections = options.connections ?? 20;
    const slow = Math.round(connections * (options.slowShare ?? 0.25));
    this.#clients = Array.from({ length: connections }, (_, index) => this.#client(index, index < slow));
  }

  get counts(): LoadCounts {
    const failed = this.#failures.length;
    return { requests: this.#ok + failed, ok: this.#ok, failed, retries: this.#retries };
  }

  async stop(): Promise<LoadReport> {
    this.#stopping.abort();
    await Promise.all(this.#clients);
    return {
      ...this.counts,
      durationMs: this.#clock.now() - this.#startedAtMs,
      failures: this.#failures,
      byVersion: Object.fromEntries(this.#byVersion),
      p50Ms: this.#latencies.percentileMs(50),
      p99Ms: this.#latencies.percentileMs(99),
    };
  }

  async #client(index: number, isSlow: boolean): Promise<void> {
    const agent = new Agent({ keepAlive: this.#options.keepAlive ?? true, maxSockets: 1 });
    const { signal } = this.#stopping;
    for (let nth = 0; !signal.aborted; nth += 1) {
      const path = isSlow ? `/slow?ms=${this.#slowMs(index + nth)}` : '/';
      await this.#request(agent, path, isSlow);
      if (!isSlow) await slept(this.#clock, this.#options.thinkMs ?? 10, signal);
    }
    agent.destroy();
  }

  /** Evenly spread over the range, and the same in every run. */
  #slowMs(nth: number): number {
    const [leastMs, mostMs] = this.#options.slowMs ?? slowMsByDefault;
    const goldenRatio = 0.618_034;
    return Math.round(leastMs + ((nth * goldenRatio) % 1) * (mostMs - leastMs));
  }

  async #request(agent: Agent, path: string, isSlow: boolean): Promise<void> {
    const beganMs = this.#clock.now();
    let outcome = await this.#send(agent, path);
    if (outcome.kind === 'stale') {
      this.#retries += 1;
      outcome = await this.#send(agent, path);
    }
    if (outcome.kind === 'ok') {
      this.#ok += 1;
      this.#byVersion.set(outcome.version, (this.#byVersion.get(outcome.version) ?? 0) + 1);
      if (!isSlow) this.#latencies.add(this.#clock.now() - beganMs);
      return;
    }
    const kind = outcome.kind === 'stale' ? 'reset' : outcome.kind;
    const status = outcome.status === undefined ? {} : { status: outcome.status };
    this.#failures.push({ atMs: this.#clock.now(), kind, path, ...status });
  }

  #send(agent: Agent, path: string): Promise<Outcome> {
    return new Promise((resolve) => {
      let hasAnswer = false;
      let isLate = false;
      const request = httpRequest(new URL(path, this.#options.url), { agent });
      request.setTimeout(this.#options.timeoutMs ?? 30_000, () => {
        isLate = true;
        request.destroy();
      });
      request.once('response', (response) => {
        hasAnswer = true;
        const status = response.statusCode ?? 0;
        const version = String(response.headers['x-app-version'] ?? '');
        response.resume();
        response.once('end', () => resolve(status < 400 ? { kind: 'ok', version } : { kind: 'status', status }));
        response.once('error', () => resolve({ kind: isLate ? 'timeout' : 'reset' }));
      });
      request.once('error', (error: NodeJS.ErrnoException) => {
        if (isLate) resolve({ kind: 'timeout' });
        else if (error.code === 'ECONNREFUSED') resolve({ kind: 'refused' });
        else resolve({ kind: request.reusedSocket && !hasAnswer ? 'stale' : 'reset' });
      });
      request.end();
    });
  }
}
