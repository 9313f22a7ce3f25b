import type { BalancerReading, BalancerView, ServerState } from './view.ts';

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
