import { request } from 'node:http';
import { askBalancer } from '../test/lab/support/haproxy.ts';
import type { Lab } from '../test/lab/support/fleet.ts';
import { hostAddress, ports } from '../test/lab/support/layout.ts';
import { parseServers } from '../test/lab/support/stats-csv.ts';
import { setTimeout as sleep } from 'node:timers/promises';

/** Container ids of a host by name, of those that run. */
export type Running = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** No container and no image on any host, and the balancer knows it: every contestant begins here. */
export async function wipe(lab: Lab): Promise<void> {
  const script =
    'ids=$(docker ps -aq); [ -z "$ids" ] || docker rm --force --volumes $ids; docker image prune --all --force';
  await Promise.all(
    lab.hosts.map(async (host) => {
      const { exitCode, stderr } = await lab.exec(host, ['sh', '-c', script]);
      if (exitCode !== 0) throw new Error(`${host}: cannot be emptied: ${stderr}`);
    }),
  );
  await until(20_000, 'every server DOWN', async () =>
    [...(await statuses(lab)).values()].every((status) => status === 'DOWN'),
  );
}

/** What is not as the job wants it; none, if all is well: else the figure is void. */
export async function faultsOf(
  lab: Lab,
  wanted: { readonly appVersion: string; readonly healthVersion: string },
): Promise<readonly string[]> {
  const shown = await statuses(lab);
  const perHost = lab.hosts.map(async (host) => {
    const address = hostAddress(lab.settings.network, host);
    const [app, health] = await Promise.all([versionAt(address, ports.app), versionAt(address, ports.health)]);
    return [
      ...(app === wanted.appVersion ? [] : [`${host}: app answers as ${app}, not as ${wanted.appVersion}`]),
      ...(health === wanted.healthVersion
        ? []
        : [`${host}: health answers as ${health}, not as ${wanted.healthVersion}`]),
      ...(shown.get(host) === 'UP' ? [] : [`${host}: the balancer shows ${shown.get(host) ?? 'nothing'}`]),
    ];
  });
  return (await Promise.all(perHost)).flat();
}

export async function runningOn(lab: Lab): Promise<Running> {
  const list = ['ps', '--no-trunc', '--format', '{{.Names}} {{.ID}}'];
  const entries = lab.hosts.map(async (host) => {
    const lines = (await lab.docker(host, list)).trim().split('\n');
    return [host, Object.fromEntries(lines.map((line) => line.split(' ')))] as const;
  });
  return new Map(await Promise.all(entries));
}

/** Hosts on which a container is another than before; `stays` names those that must not be, `goes` those that must. */
export function unexpectedChanges(
  before: Running,
  after: Running,
  { stays, goes }: { readonly stays: readonly string[]; readonly goes: readonly string[] },
): readonly string[] {
  return [...before].flatMap(([host, was]) => {
    const is = after.get(host) ?? {};
    return [
      ...stays.filter((name) => is[name] !== was[name]).map((name) => `${host}: ${name} was replaced`),
      ...goes.filter((name) => is[name] === was[name]).map((name) => `${host}: ${name} was not replaced`),
    ];
  });
}

/** Server → status, word for word. */
async function statuses(lab: Lab): Promise<ReadonlyMap<string, string>> {
  const csv = await askBalancer(lab.balancers[0]?.adminSocket ?? '', 'show stat');
  return new Map(parseServers(csv, 'web').map((server) => [server['svname'] ?? '', server['status'] ?? '']));
}

async function versionAt(address: string, port: number): Promise<string> {
  return await new Promise((resolve) => {
    const sent = request({ host: address, port, path: '/', agent: false, timeout: 5000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', (error) => resolve(error.message));
      response.on('end', () => {
        const { version } = JSON.parse(Buffer.concat(chunks).toString()) as { version?: string };
        resolve(version ?? 'something without a version');
      });
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer within 5 s')));
    sent.on('error', (error) => resolve(error.message));
    sent.end();
  });
}

async function until(deadlineMs: number, what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await sleep(50);
  }
}
