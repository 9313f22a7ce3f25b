import type { BalancerReading, BalancerView, ServerState } from './view.ts';

/** Reads every balancer side by side; one that fails is an `error` reading. */
export async function readEach<Source extends { readonly name: string }>(
  sources: readonly Source[],
  now: () => number,
  read: (source: Source) => Promise<readonly BalancerReading[]>,
): Promise<BalancerView> {
  const readings = await Promise.all(
    sources.map(async (source): Promise<readonly BalancerReading[]> => {
      try {
        return await read(source);
      } catch (error) {
        return [{ balancer: source.name, error: error instanceof Error ? error.message : String(error) }];
      }
    }),
  );
  return { atMs: now(), readings: readings.flat() };
}

/** Asks one balancer for each server by itself. */
export async function readServers(
  { name }: { readonly name: string },
  servers: readonly string[],
  ask: (server: string) => Promise<ServerState>,
): Promise<readonly BalancerReading[]> {
  const states = await Promise.all(servers.map(async (server) => [server, await ask(server)] as const));
  return [{ balancer: name, servers: new Map(states) }];
}
