import { join } from 'node:path';
import type { HostSystem } from './system.ts';

/** What one lab is made of; written to `lab.json` in its folder, and all that is needed to find it again. */
export interface LabSettings {
  /** Lower-case letters, digits and dashes, at most 24. */
  readonly name: string;
  /** Number of hosts: `h1` … */
  readonly hosts: number;
  /** Third octet of the lab's network, 10.213.N.0/24. */
  readonly network: number;
  /** How many HAProxies serve the same hosts. */
  readonly balancers: number;
  /** How the balancers check the hosts. */
  readonly check: CheckSettings;
  /** What runs on the hosts. */
  readonly system: HostSystem;
}

export interface CheckSettings {
  readonly intervalMs: number;
  readonly fall: number;
  readonly rise: number;
}

export const defaultLabName = 'default';
/** The default lab's network is fixed, so that the committed inventory fits it. */
export const defaultNetwork = 77;
export const maxHosts = 200;
export const maxBalancers = 8;
export const defaultCheck: CheckSettings = { intervalMs: 500, fall: 2, rise: 2 };

export const ports = { frontend: 80, stats: 8404, registry: 5000, app: 8080, health: 8081 } as const;

export const labDir = (name: string): string => join('/var/tmp', `rollout-lab-${name}`);
export const labFile = (name: string): string => join(labDir(name), 'lab.json');
export const keyFile = (name: string): string => join(labDir(name), 'id_ed25519');
export const knownHostsFile = (name: string): string => join(labDir(name), 'known_hosts');
export const inventoryFile = (name: string): string => join(labDir(name), 'inventories', 'lab.yaml');
export const playbookFile = (name: string): string => join(labDir(name), 'playbooks', 'lab.yaml');
export const compositionFile = (name: string): string => join(labDir(name), 'compositions', 'lab.yaml');
export const logFile = (name: string, process: string): string => join(labDir(name), 'logs', `${process}.log`);
export const balancerDir = (name: string, balancer: number): string => join(labDir(name), `haproxy-${balancer}`);
/** What the lab compiles for itself: the test program, and the slow cable. */
export const programFile = (name: string, program: 'app' | 'delay'): string => join(labDir(name), 'bin', program);
/** The round trip that was asked for, in milliseconds; absent for none. */
export const latencyFile = (name: string): string => join(labDir(name), 'latency');
/** A host's disk: what survives a power failure. */
export const hostDir = (name: string, host: string): string => join(labDir(name), 'hosts', host);

/** Network namespaces as `ip netns` lists them. `.lan` holds the bridge, the balancers and the registry. */
export const namespacePrefix = (name: string): string => `rlab-${name}.`;
export const lanNamespace = (name: string): string => `${namespacePrefix(name)}lan`;
export const hostNamespace = (name: string, host: string): string => `${namespacePrefix(name)}${host}`;
export const namespaceFile = (namespace: string): string => join('/run/netns', namespace);

/** The one interface in the machine's own namespace. Its name holds the network, so creating it claims the network. */
export const uplink = (network: number): string => `rlab-${network}`;

export const cgroupName = (name: string): string => `rollout-lab-${name}`;
/** Below the top of a cgroup tree. */
export const hostCgroup = (name: string, host: string): string => `${cgroupName(name)}/${host}`;

export const hostNames = (lab: LabSettings): readonly string[] =>
  Array.from({ length: lab.hosts }, (_, index) => `h${index + 1}`);
export const balancerNumbers = (lab: LabSettings): readonly number[] =>
  Array.from({ length: lab.balancers }, (_, index) => index + 1);
export const subnet = (network: number): string => `10.213.${network}.0/24`;
export const balancerAddress = (network: number, balancer: number): string => `10.213.${network}.${balancer}`;
export const registryAddress = (network: number): string => `${balancerAddress(network, 1)}:${ports.registry}`;
/** The machine's own address on the lab's network: where the controller connects from. */
export const controllerAddress = (network: number): string => `10.213.${network}.254`;
export const hostAddress = (network: number, host: string): string => `10.213.${network}.${10 + hostNumber(host)}`;
/** Fixed by the address, so that a host that boots again is the same neighbour to everyone. */
export const hostMac = (network: number, host: string): string => macOf(network, 10 + hostNumber(host));
export const bridgeMac = (network: number): string => macOf(network, 1);

const macOf = (network: number, device: number): string =>
  ['02', '0a', 'd5', hexByte(network), hexByte(device), '00'].join(':');
const hexByte = (value: number): string => value.toString(16).padStart(2, '0');
const hostNumber = (host: string): number => Number(host.slice(1));

/** How the lab's name is written on a command line: nothing for the default one. */
export const nameOption = (name: string): string => (name === defaultLabName ? '' : ` --name ${name}`);

/** @throws Error that says which option is wrong and what it may be. */
export function checkLabName(name: string): void {
  if (!/^[a-z0-9][a-z0-9-]{0,23}$/.test(name))
    throw new Error(`--name: at most 24 lower-case letters, digits and dashes; got ${JSON.stringify(name)}`);
}

/** @throws Error naming the hosts that exist. */
export function checkHost(lab: LabSettings, host: string): void {
  if (!hostNames(lab).includes(host))
    throw new Error(`lab ${lab.name} has no host ${JSON.stringify(host)}; it has h1 to h${lab.hosts}`);
}
