import { askBalancer, adminSocket, frontendUrl, isBalancerRunning, statsUrl } from './haproxy.ts';
import { runOnHost } from './host.ts';
import { balancerNumbers, hostAddress, hostNames, hostNamespace, registryAddress, type LabSettings } from './layout.ts';
import { cableState } from './network.ts';
import { firstProcessIn, memoryOf, pidsIn } from './processes.ts';
import { isRegistryRunning } from './registry.ts';
import { parseServers } from './stats-csv.ts';
import { formatSystem } from './system.ts';

export interface LabStatus {
  readonly lab: LabSettings;
  readonly registry: boolean;
  readonly balancers: readonly { readonly number: number; readonly running: boolean }[];
  readonly hosts: readonly HostStatus[];
}

export interface HostStatus {
  readonly host: string;
  readonly address: string;
  readonly state: 'on' | 'off' | 'partitioned';
  /** Proportional resident memory of sshd, dockerd and what belongs to them, without the containers. */
  readonly memoryBytes: number;
  /** `NAME IMAGE STATUS` of its containers. */
  readonly containers: readonly string[];
  /** What each balancer shows for it: `UP`, `DOWN 1/2`, or `-` where the balancer does not answer. */
  readonly balancers: readonly string[];
}

export async function readStatus(lab: LabSettings): Promise<LabStatus> {
  const numbers = balancerNumbers(lab);
  const views = await Promise.all(numbers.map((number) => readServers(adminSocket(lab, number))));
  return {
    lab,
    registry: await isRegistryRunning(lab),
    balancers: await Promise.all(
      numbers.map(async (number) => ({ number, running: await isBalancerRunning(lab, number) })),
    ),
    hosts: await Promise.all(
      hostNames(lab).map((host) =>
        readHost(
          lab,
          host,
          views.map((view) => view.get(host) ?? '-'),
        ),
      ),
    ),
  };
}

export function formatStatus({ lab, registry, balancers, hosts }: LabStatus): string {
  const system = formatSystem(lab.system);
  const running = (is: boolean): string => (is ? 'running' : 'not running');
  const lines = [
    `lab ${lab.name}: ${lab.hosts} hosts${system === '' ? '' : ` (${system})`}`,
    `registry   ${registryAddress(lab.network)} ${running(registry)}`,
    ...balancers.map(
      ({ number, running: is }) =>
        `haproxy ${number}  ${frontendUrl(lab, number)} ${running(is)}, stats ${statsUrl(lab, number)}`,
    ),
  ];
  for (const { host, address, state, memoryBytes, containers, balancers: shown } of hosts) {
    const memory = state === 'off' ? '' : `  ${Math.round(memoryBytes / 1024 / 1024)} MB`;
    lines.push(`${host.padEnd(4)} ${address.padEnd(14)} ${state}  ${shown.join(' ')}${memory}`);
    lines.push(...containers.map((container) => `       ${container}`));
  }
  return lines.join('\n');
}

async function readHost(lab: LabSettings, host: string, balancers: readonly string[]): Promise<HostStatus> {
  const address = hostAddress(lab.network, host);
  const namespace = hostNamespace(lab.name, host);
  if ((await firstProcessIn(namespace)) === undefined)
    return { host, address, state: 'off', memoryBytes: 0, containers: [], balancers };
  const pids = (await pidsIn([namespace])).get(namespace) ?? [];
  const memory = await Promise.all(pids.map(memoryOf));
  const listed = await runOnHost(lab, host, ['docker', 'ps', '--all', '--format', '{{.Names}} {{.Image}} {{.Status}}']);
  return {
    host,
    address,
    state: (await cableState(lab, host)) === 'up' ? 'on' : 'partitioned',
    memoryBytes: memory.reduce((sum, bytes) => sum + bytes, 0),
    containers: listed.stdout.split('\n').filter((line) => line !== ''),
    balancers,
  };
}

/** Server name → status, from the runtime API; empty when the balancer does not answer. */
async function readServers(socketPath: string): Promise<ReadonlyMap<string, string>> {
  const csv = await askBalancer(socketPath, 'show stat').catch(() => '');
  return new Map(parseServers(csv, 'web').map((server) => [server['svname'] ?? '', server['status'] ?? '']));
}
