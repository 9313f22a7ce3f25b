import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../model/clock.ts';
import { BackendServer, type ServerTarget } from './backend-server.ts';
import { Counters } from './counters.ts';
import { HealthChecks } from './health-checks.ts';
import { forward, type ProxyContext } from './proxy.ts';
import type { AdminState, CheckPolicy } from './server-health.ts';
import { formatStats } from './stats-csv.ts';

export interface BalancerOptions {
  readonly backend: string;
  readonly policy: CheckPolicy;
  readonly clock: Clock;
  readonly serverTimeoutMs: number;
}

/** What the stats page does: answers, answers late, or cuts the connection. */
/** What the page may answer instead of itself: half of it, another backend's, a web page, an error, nothing at all. */
type StatsInstead = 'half' | 'another' | 'html' | 'error' | 'nothing';
export type StatsMode = 'ok' | 'down' | { readonly delayMs: number } | { readonly instead: StatsInstead };

// Longer than any client keeps an idle connection: it is the client that closes it.
const clientIdleMs = 120_000;

/** An HTTP reverse proxy with HAProxy 2.6's behaviour and its stats page, on one port. */
export class Balancer {
  readonly #options: BalancerOptions;
  readonly #servers: readonly BackendServer[];
  readonly #checks: HealthChecks;
  readonly #context: ProxyContext;
  readonly #http: Server;
  #counters = { frontend: new Counters(), backend: new Counters() };
  #statsMode: StatsMode = 'ok';
  readonly #watchers: (() => void)[] = [];
  #turn = 0;
  #port = 0;

  constructor(targets: readonly ServerTarget[], options: BalancerOptions) {
    const { clock, policy } = options;
    this.#options = options;
    this.#servers = targets.map((target) => new BackendServer(target, policy, clock.now()));
    this.#checks = new HealthChecks(this.#servers, policy, clock);
    this.#context = {
      clock,
      counters: () => this.#counters,
      pick: (except) => this.#pick(except),
      serverTimeoutMs: options.serverTimeoutMs,
    };
    this.#http = createServer({ keepAliveTimeout: clientIdleMs, noDelay: true }, (request, response) => {
      if (request.url?.startsWith('/stats') === true) this.#serveStats(request.url, response);
      else forward(this.#context, request, response);
    });
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen(this.#port, '127.0.0.1', 4096, resolve);
    });
    this.#port = (this.#http.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#checks.stop();
    for (const { agent } of this.#servers) agent.destroy();
    this.#http.closeAllConnections();
    await new Promise<void>((resolve) => this.#http.close(() => resolve()));
  }

  /** As `set server BACKEND/NAME state …` on the runtime API. */
  setServer(name: string, state: AdminState): void {
    this.#server(name).health.setAdmin(state, this.#options.clock.now());
  }

  /** As `set server BACKEND/NAME weight N` on the runtime API. */
  setWeight(name: string, weight: number): void {
    this.#server(name).weight = weight;
  }

  /** As `backup` on its server line. */
  setBackup(name: string, isBackup: boolean): void {
    this.#server(name).isBackup = isBackup;
  }

  /** `UP`, `UP 1/2`, `DOWN`, `MAINT` …, as the stats page words it. */
  status(name: string): string {
    return this.#server(name).health.status;
  }

  /** Names of the servers that take requests, in order. */
  usable(): string[] {
    const usable = this.#servers.filter(({ health, weight }) => health.isUsable && weight > 0);
    const active = usable.filter(({ isBackup }) => !isBackup);
    return (active.length > 0 ? active : usable.slice(0, 1)).map(({ target }) => target.name);
  }

  /** A new process takes over: counters and runtime states are forgotten, open sessions end in the old one. */
  reload(): void {
    this.#counters = { frontend: new Counters(), backend: new Counters() };
    for (const server of this.#servers) server.forget(this.#options.policy, this.#options.clock.now());
  }

  setStatsMode(mode: StatsMode): void {
    this.#statsMode = mode;
  }

  /** Resolves when its stats page has been asked for so many times from now on, whatever it answers. */
  async asked(times: number): Promise<void> {
    for (let left = times; left > 0; left -= 1) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  statsCsv(): string {
    const { backend, policy, clock } = this.#options;
    return formatStats({ frontend: 'http', backend }, this.#counters, this.#servers, policy, clock.now());
  }

  #server(name: string): BackendServer {
    const server = this.#servers.find(({ target }) => target.name === name);
    if (server === undefined) throw new Error(`no server ${name} in backend ${this.#options.backend}`);
    return server;
  }

  /** Round robin among the active servers; with none of them left the first backup server. */
  #pick(except: ReadonlySet<BackendServer>): BackendServer | undefined {
    const takes = (server: BackendServer): boolean =>
      server.health.isUsable && server.weight > 0 && !except.has(server);
    for (let step = 0; step < this.#servers.length; step += 1) {
      this.#turn = (this.#turn + 1) % this.#servers.length;
      const server = this.#servers[this.#turn];
      if (server !== undefined && !server.isBackup && takes(server)) return server;
    }
    return this.#servers.find(takes);
  }

  #serveStats(url: string, response: ServerResponse): void {
    for (const tell of this.#watchers.splice(0)) tell();
    if (this.#statsMode === 'down') {
      response.destroy();
    } else if (this.#statsMode === 'ok') {
      this.#sendStats(url, response);
    } else if ('instead' in this.#statsMode) {
      this.#sendInstead(this.#statsMode.instead, response);
    } else {
      void this.#options.clock.sleep(this.#statsMode.delayMs).then(() => this.#sendStats(url, response));
    }
  }

  #sendInstead(instead: StatsInstead, response: ServerResponse): void {
    const csv = this.statsCsv();
    const answers: Readonly<Record<StatsInstead, readonly [status: number, body: string]>> = {
      half: [200, csv.slice(0, Math.floor(csv.length / 2))],
      another: [200, csv.replaceAll(/^[^#,][^,]*,/gm, 'another,')],
      html: [200, '<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>'],
      error: [500, 'Internal Server Error'],
      nothing: [200, ''],
    };
    const [status, body] = answers[instead];
    response.writeHead(status, { 'content-type': instead === 'html' ? 'text/html' : 'text/plain' }).end(body);
  }

  #sendStats(url: string, response: ServerResponse): void {
    const isCsv = url.includes(';csv');
    const csv = this.statsCsv();
    response.writeHead(200, {
      'cache-control': 'no-cache',
      'content-type': isCsv ? 'text/plain' : 'text/html',
    });
    response.end(isCsv ? csv : `<html><body><h1>Statistics Report</h1><pre>${csv}</pre></body></html>`);
  }
}
