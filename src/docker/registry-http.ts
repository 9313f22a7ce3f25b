import { setTimeout as delay } from 'node:timers/promises';
import type { Got } from 'got';
import { RegistryError } from './registry-error.ts';

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An answer of any status. */
export interface RegistryResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

const connectTimeoutMs = 5_000;
const answerTimeoutMs = 20_000;
const defaultRetryMs = 500;
const longestRetryMs = 10_000;

/** One registry over HTTP: which scheme it speaks, deadlines, one second try where the registry asks for patience. */
export class RegistryHttp {
  readonly registry: string;
  readonly #insecure: boolean;
  readonly #sleep: (delayMs: number) => Promise<unknown>;
  /** Found with the first request. */
  #scheme: 'https' | 'http' = 'https';

  constructor(registry: string, options: { insecure: boolean; sleep?: (delayMs: number) => Promise<unknown> }) {
    this.registry = registry;
    this.#insecure = options.insecure || isLoopback(registry);
    this.#sleep = options.sleep ?? ((delayMs) => delay(delayMs));
  }

  /** `path` begins with `/v2/`. @throws RegistryError when there is no answer at all. */
  async request(path: string, request: RegistryRequest): Promise<RegistryResponse> {
    // Requests run side by side: another one may find the scheme while this one is under way.
    const scheme = this.#scheme;
    try {
      return await this.#patiently(`${scheme}://${apiHost(this.registry)}${path}`, request);
    } catch (error) {
      if (scheme === 'http' || !this.#mayFallBack(error)) throw this.#unreachable(error);
    }
    // Docker's own rule: HTTP only for loopback and for registries that are marked as insecure.
    this.#scheme = 'http';
    return await this.#patiently(`http://${apiHost(this.registry)}${path}`, request).catch((error: unknown) => {
      throw this.#unreachable(error);
    });
  }

  /** A token server's URL, as the registry gave it. */
  async requestUrl(url: string, request: RegistryRequest): Promise<RegistryResponse> {
    return await this.#patiently(url, request).catch((error: unknown) => {
      throw this.#unreachable(error, new URL(url).host);
    });
  }

  async #patiently(url: string, request: RegistryRequest): Promise<RegistryResponse> {
    const first = await this.#send(url, request);
    if (first.status < 500 && first.status !== 429) return first;
    const retryMs = retryAfterMs(first.headers['retry-after']);
    if (retryMs > longestRetryMs) return first;
    await this.#sleep(retryMs);
    return await this.#send(url, request);
  }

  async #send(url: string, { method, headers = {}, body }: RegistryRequest): Promise<RegistryResponse> {
    const got = await loadGot();
    const response = await got(url, {
      method,
      headers: { ...headers },
      ...(body === undefined ? {} : { body }),
      throwHttpErrors: false,
      retry: { limit: 0 },
      timeout: {
        lookup: connectTimeoutMs,
        connect: connectTimeoutMs,
        secureConnect: connectTimeoutMs,
        request: answerTimeoutMs,
      },
      https: { rejectUnauthorized: !this.#insecure },
    });
    return { status: response.statusCode, headers: singleHeaders(response.headers), body: response.body };
  }

  #mayFallBack(error: unknown): boolean {
    if (!this.#insecure) return false;
    // On its own port a registry that refuses the connection refuses it for HTTP too.
    const isRefused = codeOf(error) === 'ECONNREFUSED' && !this.registry.includes(':');
    return speaksNoTls(error) || isRefused || codeOf(error) === 'ECONNRESET';
  }

  #unreachable(error: unknown, host = this.registry): RegistryError {
    const code = codeOf(error);
    if (code === 'ETIMEDOUT') {
      return new RegistryError(
        this.registry,
        'slow',
        `the registry ${host} gave no answer within ${answerTimeoutMs / 1000} s`,
        {
          hint: 'Check the network between here and the registry, then run again.',
          cause: error,
        },
      );
    }
    if (speaksNoTls(error)) {
      return new RegistryError(this.registry, 'unreachable', `the registry ${host} does not speak TLS`, {
        hint: `If it is meant to be reached over plain HTTP, mark it in the playbook: registries: { ${JSON.stringify(host)}: { insecure: true } }`,
        cause: error,
      });
    }
    const reason = error instanceof Error ? error.message : String(error);
    return new RegistryError(this.registry, 'unreachable', `the registry ${host} cannot be reached: ${reason}`, {
      hint: 'Check its name and the network between here and the registry.',
      cause: error,
    });
  }
}

/** Docker's client and daemon treat these as insecure without being told. */
function isLoopback(registry: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/.test(registry);
}

/** Docker Hub's API answers under another name than its images have. */
function apiHost(registry: string): string {
  return registry === 'docker.io' ? 'registry-1.docker.io' : registry;
}

function speaksNoTls(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'EPROTO' || code.startsWith('ERR_SSL');
}

function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

/** Seconds or a date; a date is not worth a clock here. */
function retryAfterMs(header: string | undefined): number {
  const seconds = Number(header ?? NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : defaultRetryMs;
}

function singleHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}

/** got takes 60 ms to load: only those who ask a registry wait for it. */
async function loadGot(): Promise<Got> {
  const { got } = await import('got');
  return got;
}
