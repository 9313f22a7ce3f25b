import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import type { Clock } from '../../model/clock.ts';
import { slept } from '../timing.ts';
import { HttpEndpoint, refused, type HttpResponse } from './http-endpoint.ts';
import type { HttpRequest } from './http-reader.ts';
import type { Process, ProcessContext } from './process.ts';

/**
 * The program in the sandbox's images; the lab's test program does the same, and reads the same variables.
 * `APP_FAULT`: `crash` (a few lines, then exit 1), `unhealthy` (/health is 503), `error` (500 everywhere), `slow_boot`
 * (does not listen before `APP_BOOT_MS`). `APP_ERROR_PERCENT`: that many of every 100 requests to / get 500,
 * evenly spread, two decimals at most; with `APP_ERROR_AFTER_MS` only when so long has passed since its start.
 * `APP_PRINT_ENV`: prints its environment and exits 1.
 */
export class WebApp implements Process {
  readonly exited: Promise<number>;
  readonly #context: ProcessContext;
  readonly #port: number;
  readonly #endpoint = new HttpEndpoint((request) => this.#answer(request));
  readonly #killed = new AbortController();
  #exit: (code: number) => void = () => {};
  #listening = false;
  #stopping = false;
  #frozen = false;
  #rootRequests = 0;
  readonly #startedMs: number;

  constructor(context: ProcessContext) {
    // Every request under way waits with it.
    setMaxListeners(0, this.#killed.signal);
    this.#context = context;
    this.#startedMs = context.clock.now();
    this.#port = Number(context.env.get('APP_PORT') ?? 8080);
    this.exited = new Promise((resolve) => (this.#exit = resolve));
    void this.#run();
  }

  kill(signal: string): void {
    if (signal === 'SIGKILL') {
      this.#listening = false;
      this.#killed.abort();
      this.#endpoint.destroy();
      this.#exit(137);
    } else if (signal === 'SIGTERM' || signal === 'SIGINT') {
      void this.#stop();
    }
  }

  listensOn(port: number): boolean {
    return this.#listening && port === this.#port;
  }

  async connect(port: number): Promise<Socket> {
    if (!this.listensOn(port)) throw refused();
    return this.#endpoint.connect();
  }

  check(port: number, path: string): number | undefined {
    return this.listensOn(port) ? this.#answerAtOnce(path).status : undefined;
  }

  freeze(): void {
    this.#frozen = true;
    this.#endpoint.freeze();
  }

  thaw(): void {
    this.#frozen = false;
    this.#endpoint.thaw();
  }

  async #run(): Promise<void> {
    const { env, clock } = this.#context;
    if (env.has('APP_PRINT_ENV')) {
      for (const [name, value] of env) this.#context.log('stderr', `${name}=${value}`);
      this.#exit(1);
      return;
    }
    this.#log(`starting version ${this.#version}`);
    if (this.#fault === 'crash') {
      this.#log('loading configuration');
      this.#log('fatal: cannot open the database: no such host db.internal');
      this.#exit(1);
      return;
    }
    if (this.#fault === 'slow_boot') {
      const bootMs = Number(env.get('APP_BOOT_MS') ?? 10_000);
      this.#log(`booting for ${bootMs} ms`);
      if (!(await slept(clock, bootMs, this.#killed.signal)) || this.#stopping) return;
    }
    this.#log(`listening on port ${this.#port}`);
    this.#listening = true;
    if (this.#frozen) this.#endpoint.freeze();
  }

  async #stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    if (this.#listening) this.#log('stopping: finishing open requests');
    this.#listening = false;
    await this.#endpoint.stop();
    this.#log('stopped');
    this.#killed.abort();
    this.#exit(0);
  }

  #answer({ path, query }: HttpRequest): HttpResponse | Promise<HttpResponse> {
    if (this.#fault === 'error' || (path !== '/slow' && path !== '/work')) return this.#answerAtOnce(path);
    const durationMs = Number(query.get('ms') ?? (path === '/slow' ? 1000 : 0));
    const status = path === '/slow' ? 200 : Number(query.get('status') ?? 200);
    return this.#work(durationMs).then(() => this.#text(status, `${path.slice(1)}\n`));
  }

  #answerAtOnce(path: string): HttpResponse {
    if (this.#fault === 'error') return this.#text(500, 'fault: error\n');
    switch (path) {
      case '/':
        this.#rootRequests += 1;
        return this.#isToFail(this.#rootRequests) ? this.#text(500, 'fault: error percent\n') : this.#root();
      case '/ready':
        return this.#text(200, 'ready\n');
      case '/health':
        return this.#fault === 'unhealthy' ? this.#text(503, 'fault: unhealthy\n') : this.#text(200, 'healthy\n');
      default:
        return this.#text(404, 'no such path\n');
    }
  }

  #isToFail(nth: number): boolean {
    const { env, clock } = this.#context;
    if (clock.now() - this.#startedMs < Number(env.get('APP_ERROR_AFTER_MS') ?? 0)) return false;
    return isAmongTheFailing(nth, Math.round(Number(env.get('APP_ERROR_PERCENT') ?? 0) * 100));
  }

  #root(): HttpResponse {
    const { hostname, pid } = this.#context;
    return {
      status: 200,
      contentType: 'application/json',
      body: `${JSON.stringify({ version: this.#version, hostname, pid })}\n`,
      headers: { 'X-App-Version': this.#version },
    };
  }

  #text(status: number, body: string): HttpResponse {
    return { status, contentType: 'text/plain', body, headers: { 'X-App-Version': this.#version } };
  }

  async #work(durationMs: number): Promise<void> {
    const clock: Clock = this.#context.clock;
    if (durationMs > 0) await slept(clock, durationMs, this.#killed.signal);
  }

  get #version(): string {
    return this.#context.env.get('APP_VERSION') ?? 'unknown';
  }

  get #fault(): string | undefined {
    return this.#context.env.get('APP_FAULT');
  }

  #log(message: string): void {
    this.#context.log('stderr', `${new Date(this.#context.clock.now()).toISOString()} app: ${message}`);
  }
}

/** Of any 10,000 requests in a row exactly `errors` fail, evenly spread. */
function isAmongTheFailing(nth: number, errors: number): boolean {
  return Math.floor((nth * errors) / 10_000) !== Math.floor(((nth - 1) * errors) / 10_000);
}
