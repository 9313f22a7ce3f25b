import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../test/lab/support/fleet.ts';
import { askBalancer } from '../test/lab/support/haproxy.ts';
import { parseServers } from '../test/lab/support/stats-csv.ts';
import type { NodeWitness, ServerSample } from './critical-path.ts';

const sampleIntervalMs = 20;

/** Watches the balancer's own view past its stats page, and resolves when it looks for the first time. */
export async function watchServers(
  lab: Lab,
): Promise<{ stop(): Promise<ReadonlyMap<string, readonly ServerSample[]>> }> {
  const seen = new Map<string, ServerSample[]>(lab.hosts.map((host) => [host, []]));
  const stopped = new AbortController();
  await look(lab, seen);
  const watching = (async () => {
    while (!stopped.signal.aborted) {
      await sleep(sampleIntervalMs);
      await look(lab, seen);
    }
  })();
  return {
    stop: async () => {
      stopped.abort();
      await watching;
      return seen;
    },
  };
}

async function look(lab: Lab, seen: ReadonlyMap<string, ServerSample[]>): Promise<void> {
  const csv = await askBalancer(lab.balancers[0]?.adminSocket ?? '', 'show stat');
  const atMs = Date.now();
  for (const server of parseServers(csv, 'web'))
    seen.get(server['svname'] ?? '')?.push({ atMs, state: stateOf(server) });
}

function stateOf({ status = '', scur, qcur }: Readonly<Record<string, string>>): ServerSample['state'] {
  if (status === 'UP') return 'up';
  // `UP 1/2` still gets requests.
  return status.startsWith('UP') || scur !== '0' || qcur !== '0' ? 'between' : 'out';
}

/** What docker knows of every host's last update, to be asked right after it. */
export async function readWitnesses(
  lab: Lab,
  shown: ReadonlyMap<string, readonly ServerSample[]>,
): Promise<ReadonlyMap<string, NodeWitness>> {
  const entries = lab.hosts.map(async (host) => [host, await readWitness(lab, host, shown.get(host) ?? [])] as const);
  return new Map(await Promise.all(entries));
}

async function readWitness(lab: Lab, host: string, shown: readonly ServerSample[]): Promise<NodeWitness> {
  const times = '{{.State.FinishedAt}} {{.State.StartedAt}}';
  const [health, app, log] = await Promise.all([
    lab.docker(host, ['container', 'inspect', '--format', times, 'health']),
    lab.docker(host, ['container', 'inspect', '--format', times, 'app']),
    // The program logs to stderr, which `docker logs` passes on as such.
    lab.exec(host, ['sh', '-c', 'docker logs --timestamps app 2>&1']),
  ]);
  const [healthStopped = '', healthStarted = ''] = health.trim().split(' ');
  const appStarted = app.trim().split(' ')[1] ?? '';
  const listens = /^(\S+) .* listening on port/m.exec(log.stdout)?.[1] ?? '';
  return {
    healthStoppedAtMs: timeOf(healthStopped, host),
    healthStartedAtMs: timeOf(healthStarted, host),
    appStartedAtMs: timeOf(appStarted, host),
    appListensAtMs: timeOf(listens, host),
    shown,
  };
}

function timeOf(text: string, host: string): number {
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs)) throw new Error(`${host}: no time in ${JSON.stringify(text)}`);
  return atMs;
}
