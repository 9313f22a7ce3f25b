import { readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import {
  balancerAddress,
  balancerNumbers,
  bridgeMac,
  controllerAddress,
  hostAddress,
  hostMac,
  hostNamespace,
  lanNamespace,
  namespacePrefix,
  subnet,
  uplink,
  type LabSettings,
} from './layout.ts';
import { isErrno, run, runToEnd } from './processes.ts';

/**
 * The lab's network. The bridge stands in a namespace of its own, with the balancers and the registry, and one veth
 * leads to the machine: so neither the machine's firewall nor its forwarding has a say in what the hosts reach, and
 * nothing of either is touched. No host has a default route: from inside nothing but the lab can be reached.
 */
export async function createNetwork(lab: LabSettings): Promise<void> {
  const { name, network } = lab;
  await ip(undefined, [
    `link set ${uplink(network)} alias rollout-lab-${name}`,
    `addr add ${controllerAddress(network)}/24 dev ${uplink(network)}`,
    `link set ${uplink(network)} up`,
  ]);
  await ip(lanNamespace(name), [
    'link set lo up',
    // Without an address of its own a bridge changes it with its ports, and neighbours go on asking for the old one.
    `link add br0 address ${bridgeMac(network)} type bridge forward_delay 0`,
    ...balancerNumbers(lab).map((balancer) => `addr add ${balancerAddress(network, balancer)}/24 dev br0`),
    'link set uplink master br0 up',
    'link set br0 up',
  ]);
}

/**
 * Takes one of the networks for this lab alone, by creating the interface that is named after it: of two labs that
 * want the same one at once, one gets it. Resolves to its number.
 */
export async function claimNetwork(name: string, candidates: readonly number[]): Promise<number> {
  const lan = lanNamespace(name);
  await createLanNamespace(lan);
  let taken = '';
  for (const network of candidates) {
    const user = await networkInUse(network);
    if (user !== undefined) {
      taken = `${subnet(network)} is in use: ${user.trim()}`;
      continue;
    }
    const veth = ['ip', 'link', 'add', uplink(network), 'type', 'veth', 'peer', 'name', 'uplink', 'netns', lan];
    const made = await runToEnd(veth);
    if (made.exitCode === 0) return network;
    if (!made.stderr.includes('File exists')) throw new Error(`${veth.join(' ')}: ${made.stderr.trim()}`);
    taken = `${uplink(network)} exists`;
  }
  throw new Error(`no free network for lab ${name}: ${taken}. Another name (--name) chooses among other networks.`);
}

/** What on this machine already uses addresses of a lab network: an interface or a route, as `ip` prints it. */
async function networkInUse(network: number): Promise<string | undefined> {
  const [addresses, routes] = await Promise.all([
    run(['ip', '-4', '-o', 'addr', 'show']),
    run(['ip', '-4', 'route', 'show', 'table', 'all']),
  ]);
  return [...addresses.split('\n'), ...routes.split('\n')].find((line) =>
    [...line.matchAll(/\b(\d+\.\d+\.\d+\.\d+)(?:\/(\d+))?/g)].some(([, address = '', bits]) =>
      overlaps(`${address}/${bits ?? '32'}`, subnet(network)),
    ),
  );
}

/** Do two IPv4 ranges in CIDR notation share an address? A default route (/0) does not count. */
export function overlaps(one: string, other: string): boolean {
  const [a, b] = [parse(one), parse(other)];
  const bits = Math.min(a.bits, b.bits);
  if (bits === 0) return false;
  const mask = (0xffffffff << (32 - bits)) >>> 0;
  return (a.address & mask) >>> 0 === (b.address & mask) >>> 0;
}

/** A host's namespace and its cable to the bridge. */
export async function plugHost(lab: LabSettings, host: string): Promise<void> {
  const namespace = hostNamespace(lab.name, host);
  const address = hostAddress(lab.network, host);
  await run(['ip', 'netns', 'add', namespace]);
  await ip(lanNamespace(lab.name), [
    `link add ${host} type veth peer name eth0 address ${hostMac(lab.network, host)} netns ${namespace}`,
    `link set ${host} master br0 up`,
  ]);
  await ip(namespace, ['link set lo up', `addr add ${address}/24 dev eth0`, 'link set eth0 up']);
}

/** Removes a host's namespace where there is one, and with it its interfaces, routes and firewall rules. */
export async function unplugHost(lab: LabSettings, host: string): Promise<void> {
  await runToEnd(['ip', '-n', lanNamespace(lab.name), 'link', 'del', host]);
  const namespace = hostNamespace(lab.name, host);
  if ((await namespacesOf(lab.name)).includes(namespace)) await run(['ip', 'netns', 'del', namespace]);
}

/** A partition: frames neither reach the host nor leave it, and nobody is told. */
export async function setCable(lab: LabSettings, host: string, state: 'up' | 'down'): Promise<void> {
  await ip(lanNamespace(lab.name), [`link set ${host} ${state}`]);
}

export async function cableState(lab: LabSettings, host: string): Promise<'up' | 'down'> {
  const shown = await runToEnd(['ip', '-n', lanNamespace(lab.name), '-o', 'link', 'show', host]);
  return /<[^>]*\bUP\b/.test(shown.stdout) ? 'up' : 'down';
}

/** The network namespaces that a lab of this name has, whatever state it is in. */
export async function namespacesOf(name: string): Promise<readonly string[]> {
  const entries = await readdir('/run/netns').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  });
  return entries.filter((entry) => entry.startsWith(namespacePrefix(name)));
}

/** Removes every namespace and interface of a lab. Its processes are gone by now. */
export async function removeNetwork(name: string): Promise<void> {
  const namespaces = await namespacesOf(name);
  // Both ends go at once, and not when the kernel comes round to destroying the namespace.
  if (namespaces.includes(lanNamespace(name)))
    await runToEnd(['ip', '-n', lanNamespace(name), 'link', 'del', 'uplink']);
  for (const namespace of namespaces) await run(['ip', 'netns', 'del', namespace]);
  await removeEmptyNamespaceFolder();
}

/** Says that /run/netns is a lab's doing, so that the last lab removes it. Gone with a reboot, as that mount is. */
const namespaceFolderIsOurs = '/run/rollout-lab-made-netns';

/** The first `ip netns add` on a machine leaves a mount at /run/netns behind. */
async function createLanNamespace(lan: string): Promise<void> {
  const existed = (await readdir('/run/netns').catch(() => undefined)) !== undefined;
  if (!existed) await writeFile(namespaceFolderIsOurs, '');
  await run(['ip', 'netns', 'add', lan]);
}

async function removeEmptyNamespaceFolder(): Promise<void> {
  const ours = (await readFile(namespaceFolderIsOurs).catch(() => undefined)) !== undefined;
  const entries = await readdir('/run/netns').catch(() => ['missing']);
  if (!ours || entries.length > 0) return;
  // Refused while somebody just makes a namespace in it, and then it is no longer empty.
  const unmounted = await runToEnd(['umount', '/run/netns']);
  if (unmounted.exitCode !== 0) return;
  await rmdir('/run/netns').catch(() => undefined);
  await rm(namespaceFolderIsOurs, { force: true });
}

/** Runs `ip` commands in a namespace, or in the machine's own; none after the first that fails. */
export async function ip(namespace: string | undefined, commands: readonly string[]): Promise<void> {
  const inside = namespace === undefined ? [] : ['-n', namespace];
  await run(['ip', ...inside, '-batch', '-'], { input: `${commands.join('\n')}\n` });
}

function parse(cidr: string): { readonly address: number; readonly bits: number } {
  const [address = '', bits = '32'] = cidr.split('/');
  const number = address.split('.').reduce((sum, octet) => ((sum << 8) | Number(octet)) >>> 0, 0);
  return { address: number, bits: Number(bits) };
}
