import { readdir, readFile, readlink } from 'node:fs/promises';
import { cgroupName, labDir, namespacePrefix } from './layout.ts';
import { namespacesOf } from './network.ts';
import { firstProcessIn, run, runToEnd } from './processes.ts';
import { onCgroup2 } from './teardown.ts';

/** What a lab could leave behind on a machine, by kind: sorted lines. */
export type MachineState = Readonly<Record<string, readonly string[]>>;

// Not /tmp: it is everybody's, and hosts have their own.
const folders = ['/', '/etc', '/etc/docker', '/opt', '/root', '/run', '/run/lock', '/srv', '/var/lib', '/var/tmp'];
const sysctls = [
  '/proc/sys/net/ipv4/ip_forward',
  '/proc/sys/net/ipv4/conf/all/rp_filter',
  '/proc/sys/net/ipv4/conf/all/forwarding',
  '/proc/sys/net/bridge/bridge-nf-call-iptables',
];

export async function readMachineState(): Promise<MachineState> {
  const links = (await run(['ip', '-o', 'link', 'show'])).split('\n');
  const addresses = (await run(['ip', '-o', 'addr', 'show'])).split('\n');
  const rules = (await run(['iptables-save'])).split('\n');
  return {
    // Without index and flags, which change by themselves.
    links: sorted(links.map((line) => /^\d+: ([^:@]+)/.exec(line)?.[1] ?? '')),
    addresses: sorted(addresses.map((line) => line.split(/\s+/).slice(1, 4).join(' '))),
    routes: sorted((await run(['ip', 'route', 'show', 'table', 'all'])).split('\n')),
    namespaces: sorted(await entriesOf('/run/netns')),
    firewall: sorted(rules.map((line) => line.replace(/^#.*|\[\d+:\d+\]/g, '').trim())),
    mounts: sorted((await readFile('/proc/self/mounts', 'utf8')).split('\n')),
    sysctls: await Promise.all(sysctls.map(async (file) => `${file} ${await contentsOf(file)}`)),
    cgroups: sorted(await cgroups()),
    files: sorted((await Promise.all(folders.map(entriesOf))).flat()),
  };
}

/** What is there now and was not before, or the other way round, other labs aside. Empty when nothing is. */
export function difference(before: MachineState, after: MachineState, labName: string): readonly string[] {
  const compare = (kind: string, sign: string, from: MachineState, to: MachineState): readonly string[] => {
    const known = new Set(from[kind]);
    return (to[kind] ?? []).filter((line) => !known.has(line)).map((line) => `${sign} ${kind}: ${line}`);
  };
  const changes = Object.keys(after).flatMap((kind) => [
    ...compare(kind, '+', before, after),
    ...compare(kind, '-', after, before),
  ]);
  return changes.filter((change) => !belongsToAnotherLab(change, labName));
}

/** Everything of a lab carries its name, except for its uplink, which carries its network's number. */
function belongsToAnotherLab(line: string, labName: string): boolean {
  if (!/rollout-lab-|rlab-|10\.213\.\d+\./.test(line)) return false;
  return ![cgroupName(labName), namespacePrefix(labName), labDir(labName)].some((own) => line.includes(own));
}

/** Pids and start times of every process of a lab, those in its containers too. */
export async function processesOf(labName: string): Promise<readonly string[]> {
  const firstProcesses = await Promise.all((await namespacesOf(labName)).map(firstProcessIn));
  const hosts = new Set(await Promise.all(firstProcesses.map((pid) => mountNamespaceOf(pid ?? 0))));
  hosts.delete('');
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const own = pids.map(async (pid) => {
    const [cgroup, command] = await Promise.all([
      contentsOf(`/proc/${pid}/cgroup`),
      contentsOf(`/proc/${pid}/cmdline`),
    ]);
    const isOurs =
      hosts.has(await mountNamespaceOf(Number(pid))) ||
      cgroup.includes(`/${cgroupName(labName)}/`) ||
      command.includes(labDir(labName));
    return isOurs ? [await identityOf(pid)] : [];
  });
  return (await Promise.all(own)).flat();
}

/** Those of these processes (as {@link processesOf} names them) that still run; a zombie does not. */
export async function stillRunning(processes: readonly string[]): Promise<readonly string[]> {
  const now = await Promise.all(processes.map(async (process) => await identityOf(process.split(' ')[0] ?? '')));
  return processes.filter((process, index) => now[index] === process);
}

/** Empty when there is no such process. */
async function mountNamespaceOf(pid: number): Promise<string> {
  return await readlink(`/proc/${pid}/ns/mnt`).catch(() => '');
}

async function identityOf(pid: string): Promise<string> {
  const stat = await contentsOf(`/proc/${pid}/stat`);
  // After the program's name, which may hold blanks and brackets: the state first, the start time as 20th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return `${pid} ${fields[0] === 'Z' ? 'gone' : (fields[19] ?? 'gone')}`;
}

async function cgroups(): Promise<readonly string[]> {
  const top = '/sys/fs/cgroup';
  const trees = (await entriesOf(top)).filter((entry) => !/\.\w+$/.test(entry));
  const version2 = (await runToEnd([...onCgroup2, 'find', '.', '-maxdepth', '1', '-type', 'd'])).stdout.split('\n');
  return [...trees, ...(await Promise.all(trees.map(entriesOf))).flat(), ...version2];
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder).catch(() => []);
  return entries.map((entry) => `${folder.replace(/\/$/, '')}/${entry}`);
}

async function contentsOf(file: string): Promise<string> {
  return (await readFile(file, 'utf8').catch(() => '')).trim();
}

const sorted = (lines: readonly string[]): readonly string[] => lines.filter((line) => line !== '').sort();
