import { setTimeout as delay } from 'node:timers/promises';
import { Secret } from '../model/secret.ts';
import { apiHost, isForbiddenAddress, isLoopback } from './registry-address.ts';
import { RegistryError } from './registry-error.ts';
import { Exchanger, type ExchangeAnswer, type Surroundings, type TlsTrust } from './registry-exchange.ts';
import { proxyFor, proxyPassword } from './registry-proxy.ts';
import { isUnknownAuthority, knownAuthorities, readCertificates } from './registry-trust.ts';
import { codeOf, speaksNoTls, unreachable } from './registry-unreachable.ts';

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** False: an answer that asks for patience (429, 503) is the answer. */
  readonly isPatient?: boolean;
}

/** An answer of any status. */
export interface RegistryResponse extends ExchangeAnswer {
  /** Who answered: the registry's own host and port, or where it redirected to. */
  readonly host: string;
  /** False behind a redirect to another scheme, host or port: it must not get credentials, and its 401 asks for none. */
  readonly isOwn: boolean;
}

export interface RegistryHttpOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Which hosts (with their ports) the playbook calls insecure. */
  readonly isInsecure: (host: string) => boolean;
  readonly onSecret: (secret: Secret) => void;
  readonly sleep?: (delayMs: number) => Promise<unknown>;
  readonly surroundings?: Surroundings;
}

const defaultRetryMs = 500;
const longestRetryMs = 10_000;
const mostRedirects = 5;
const manifestLimitBytes = 4 * 2 ** 20;
const tokenLimitBytes = 2 ** 20;

/**
 * One registry over HTTP: which scheme it speaks, deadlines and limits, where a redirect may lead, one second try where
 * the registry asks for patience. What it does with credentials is in docs/security.md.
 */
export class RegistryHttp {
  readonly registry: string;
  readonly #options: RegistryHttpOptions;
  readonly #isInsecure: boolean;
  /** As URLs write it. */
  readonly #hostname: string;
  readonly #exchanger: Exchanger;
  readonly #trust = new Map<string, Promise<TlsTrust>>();
  /** Hosts whose certificate is of an authority that only the system knows. */
  readonly #asksSystem = new Set<string>();
  /** Found with the first request. */
  #scheme: 'https' | 'http' = 'https';

  constructor(registry: string, options: RegistryHttpOptions) {
    this.registry = registry;
    this.#options = options;
    this.#exchanger = new Exchanger(options.surroundings);
    this.#isInsecure = options.isInsecure(registry) || isLoopback(registry);
    this.#hostname = new URL(`http://${registry}`).hostname;
  }

  /** `path` begins with `/v2/`. @throws RegistryError when there is no answer at all. */
  async request(path: string, request: RegistryRequest): Promise<RegistryResponse> {
    // Requests run side by side: another one may find the scheme while this one is under way.
    const scheme = this.#scheme;
    const urlOf = (chosen: string): URL => new URL(`${chosen}://${apiHost(this.registry)}${path}`);
    try {
      return await this.#follow(urlOf(scheme), request, manifestLimitBytes);
    } catch (error) {
      if (scheme === 'http' || !this.#mayFallBack(error)) throw unreachable(this.registry, error);
    }
    // Docker's own rule: HTTP only for loopback and for registries that are marked as insecure.
    this.#scheme = 'http';
    return await this.#follow(urlOf('http'), request, manifestLimitBytes).catch((error: unknown) => {
      throw unreachable(this.registry, error);
    });
  }

  /** Asks a token server, whose address is the registry's word: see {@link realmUrl}. */
  async requestToken(url: URL, request: RegistryRequest): Promise<RegistryResponse> {
    return await this.#follow(url, request, tokenLimitBytes, { onlyOwn: true }).catch((error: unknown) => {
      throw unreachable(this.registry, error, url.host);
    });
  }

  /**
   * Where a token is given. Any host will do over TLS, as with docker: who names it could have asked for the credentials
   * itself. In clear only a registry that is insecure itself, on its own machine, or a host that the playbook marks so.
   */
  realmUrl(realm: string | undefined): URL {
    const url = realm !== undefined && URL.canParse(realm) ? new URL(realm) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) {
      throw this.#failed(`the registry ${this.registry} asks for a token without saying where it is given`);
    }
    const isOwnMachine = url.hostname === this.#hostname || (isLoopback(url.hostname) && isLoopback(this.registry));
    if (url.protocol === 'http:' && !(this.#isInsecure && isOwnMachine) && !this.#options.isInsecure(url.host)) {
      throw this.#failed(
        `the registry ${this.registry} wants the credentials sent to ${url.host} without TLS`,
        `If that is meant, mark it in the playbook: registries: { ${JSON.stringify(url.host)}: { insecure: true } }`,
      );
    }
    // A user in the address would be sent as credentials of its own.
    url.username = url.password = url.hash = '';
    return url;
  }

  async #follow(
    start: URL,
    request: RegistryRequest,
    limitBytes: number,
    { onlyOwn = false } = {},
  ): Promise<RegistryResponse> {
    let url = start;
    let { headers = {} } = request;
    let isOwn = true;
    for (let redirects = 0; ; redirects += 1) {
      const answer = await this.#patiently(url, { ...request, headers }, limitBytes);
      const target = redirectOf(answer, url);
      if (target === undefined) return { ...answer, host: url.host, isOwn };
      this.#checkRedirect(target, url, request, redirects);
      if (target.origin !== start.origin) {
        if (onlyOwn) throw this.#misled(`${url.host} redirects a request for a token to ${target.origin}`);
        isOwn = false;
        headers = Object.fromEntries(
          Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'),
        );
      }
      url = target;
    }
  }

  #checkRedirect(target: URL, from: URL, { method }: RegistryRequest, redirects: number): void {
    const way = `${from.host} redirects to ${target.origin}`;
    if (!/^https?:$/.test(target.protocol)) throw this.#misled(way);
    if (from.protocol === 'https:' && target.protocol === 'http:') throw this.#misled(`${way}, without TLS`);
    if (method !== 'GET' && method !== 'HEAD') throw this.#misled(`${way} what is sent to it`);
    if (redirects === mostRedirects) throw this.#misled(`${way}, the ${mostRedirects + 1}th time`);
  }

  async #patiently(url: URL, request: RegistryRequest, limitBytes: number): Promise<ExchangeAnswer> {
    const first = await this.#send(url, request, limitBytes);
    if ((first.status < 500 && first.status !== 429) || request.isPatient === false) return first;
    const retryMs = retryAfterMs(first.headers) ?? defaultRetryMs;
    if (retryMs > longestRetryMs) return first;
    await (this.#options.sleep ?? delay)(retryMs);
    return await this.#send(url, request, limitBytes);
  }

  async #send(url: URL, request: RegistryRequest, limitBytes: number): Promise<ExchangeAnswer> {
    const { host, hostname } = url;
    const exchange = {
      url,
      method: request.method,
      headers: { 'user-agent': 'rollout', 'accept-encoding': 'identity', ...request.headers },
      ...(request.body === undefined ? {} : { body: request.body }),
      limitBytes,
      proxy: this.#proxyFor(url),
      // A name that leads there is not the address itself.
      isAddressMeant: hostname === this.#hostname && isForbiddenAddress(hostname),
    };
    try {
      return await this.#exchanger.send({ ...exchange, trust: await this.#trustOf(host) });
    } catch (error) {
      if (!isUnknownAuthority(codeOf(error)) || this.#asksSystem.has(host)) throw error;
      this.#asksSystem.add(host);
      this.#trust.delete(host);
      return await this.#exchanger.send({ ...exchange, trust: await this.#trustOf(host) });
    }
  }

  #proxyFor(url: URL): URL | undefined {
    const proxy = proxyFor(url, this.#options.env);
    const password = proxy === undefined ? '' : proxyPassword(proxy);
    if (password !== '') this.#options.onSecret(new Secret('password of the proxy', password));
    return proxy;
  }

  #trustOf(host: string): Promise<TlsTrust> {
    let trust = this.#trust.get(host);
    if (trust === undefined) {
      trust = this.#readTrust(host);
      this.#trust.set(host, trust);
    }
    return trust;
  }

  /** A token server of another name is mostly of the same house: the registry's authorities hold for it too, as with docker. */
  async #readTrust(host: string): Promise<TlsTrust> {
    const { env } = this.#options;
    const own = hostOf(this.registry);
    const isOwn = host === own || host === apiHost(this.registry);
    const [certificates, ofRegistry] = await Promise.all([
      readCertificates(isOwn ? this.registry : host, env),
      isOwn ? { authorities: [] } : readCertificates(this.registry, env),
    ]);
    const authorities = [...certificates.authorities, ...ofRegistry.authorities];
    const needsAll = authorities.length > 0 || this.#asksSystem.has(host);
    const isSameMachine = new URL(`http://${host}`).hostname === this.#hostname;
    return {
      rejectUnauthorized: !((this.#isInsecure && isSameMachine) || this.#options.isInsecure(host)),
      ...(needsAll ? { ca: [...authorities, ...(await knownAuthorities(env))] } : {}),
      ...(certificates.client ?? {}),
    };
  }

  #mayFallBack(error: unknown): boolean {
    if (!this.#isInsecure) return false;
    // On its own port a registry that refuses the connection refuses it for HTTP too.
    const isRefused = codeOf(error) === 'ECONNREFUSED' && !this.registry.includes(':');
    return speaksNoTls(error) || isRefused || codeOf(error) === 'ECONNRESET';
  }

  #failed(message: string, hint?: string): RegistryError {
    return new RegistryError(this.registry, 'failed', message, hint === undefined ? {} : { hint });
  }

  #misled(message: string): RegistryError {
    return this.#failed(
      message,
      'That is not followed. Is there a proxy, a firewall or a login page of the network between here and the registry?',
    );
  }
}

/** As a URL has it: small letters, and without the scheme's own port. */
function hostOf(registry: string): string {
  return new URL(`https://${registry}`).host;
}

function redirectOf({ status, headers: { location } }: ExchangeAnswer, { href }: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined || !URL.canParse(location, href))
    return undefined;
  const target = new URL(location, href);
  target.username = target.password = target.hash = '';
  return target;
}

/** Seconds, or a date; a date is compared with the same server's own clock. `undefined` where it is neither. */
export function retryAfterMs(headers: ExchangeAnswer['headers']): number | undefined {
  const written = headers['retry-after']?.trim() ?? '';
  if (/^\d{1,9}(?:\.\d+)?$/.test(written)) return Number(written) * 1000;
  const untilMs = Date.parse(written) - Date.parse(headers['date'] ?? '');
  return Number.isFinite(untilMs) && /[a-z]/i.test(written) ? Math.max(0, untilMs) : undefined;
}
