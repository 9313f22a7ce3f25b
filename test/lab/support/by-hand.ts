import type { Lab } from './fleet.ts';
import { askBalancer } from './haproxy.ts';
import { ports } from './layout.ts';
import { parseServers } from './stats-csv.ts';

/** For `expect.poll`: within 15 s, looking every 50 ms. */
export const soon = { timeout: 15_000, interval: 50 } as const;

/** Starts an image on a host as its app, and then a health container beside it, with docker alone. */
export async function serve(lab: Lab, host: string, image: string): Promise<void> {
  const health = await lab.publish('shop/health', '1.0');
  const run = ['run', '--detach', '--restart', 'always'];
  await lab.docker(host, [...run, '--name', 'app', '--publish', `${ports.app}:8080`, image]);
  await lab.docker(host, [...run, '--name', 'health', '--publish', `${ports.health}:8080`, health]);
}

/** The hosts that the first balancer shows exactly UP. */
export async function serversUp(lab: Lab): Promise<readonly string[]> {
  return [...(await servers(lab))].filter(([, { status }]) => status === 'UP').map(([server]) => server);
}

/** Server name → the columns of its line in the first balancer's stats. */
export async function servers(lab: Lab): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const csv = await askBalancer(lab.balancers[0]?.adminSocket ?? '', 'show stat');
  return new Map(parseServers(csv, 'web').map((server) => [server['svname'] ?? '', server]));
}
