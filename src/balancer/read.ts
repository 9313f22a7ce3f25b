import type { Agent } from 'node:http';
import type { Agent as TlsAgent } from 'node:https';
import type { BalancerReading, BalancerView, ServerState } from './view.ts';

export interface GetOptions {
  readonly username?: string;
  readonly password?: string;
  readonly signal?: AbortSignal;
}

/** Fetches a page as text. @throws Error on anything but a 2xx answer within the deadline. */
export type HttpGet = (url: string, options: GetOptions) => Promise<string>;

/** A stats page answers in milliseconds; one that takes longer must not hold up every other reading. */
const getTimeoutMs = 3000;

/** By the scheme of the URL. */
export interface Agents {
  readonly http: Agent;
  readonly https: TlsAgent;
}

/** got without retries (the next poll is the retry). */
export function createHttpGet(agents: Agents): HttpGet {
  return async (url, { username, password, signal }) => {
    const { got } = await import('got');
    const response = await got(url, {
      retry: { limit: 0 },
      timeout: { request: getTimeoutMs },
      throwHttpErrors: false,
      followRedirect: true,
      agent: { ...agents },
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (!response.ok) {
      const hint = response.statusCode === 401 ? '; the page wants a user and a password' : '';
      throw new Error(`answered ${response.statusCode} ${response.statusMessage ?? ''}${hint}`.trim());
    }
    return response.body;
  };
}

/** Reads every balancer side by side; one that fails is an `error` reading, with no credentials in its name. */
export async function readEach(
  urls: readonly string[],
  now: () => number,
  read: (url: string) => Promise<ReadonlyMap<string, ServerState>>,
): Promise<BalancerView> {
  const readings = await Promise.all(
    urls.map(async (url): Promise<BalancerReading> => {
      const balancer = balancerName(url);
      try {
        return { balancer, servers: await read(url) };
      } catch (error) {
        return { balancer, error: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
  return { atMs: now(), readings };
}

/** Host and path: never the user or the password that a URL may carry. */
function balancerName(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return pathname === '/' ? host : `${host}${pathname}`;
  } catch {
    return url.replace(/\/\/[^@/]*@/, '//');
  }
}
