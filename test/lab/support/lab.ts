import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { Fleet } from '../../support/fleet.ts';
import { createDisk } from './host-disk.ts';
import { bootHost, cutPower, isPoweredOn, runOnHost } from './host.ts';
import { adminSocket, frontendUrl, startBalancer, statsUrl } from './haproxy.ts';
import { compilePrograms } from './compile.ts';
import { publishImage } from './image.ts';
import { setLatency } from './latency.ts';
import { writeExamples } from './examples.ts';
import {
  checkHost,
  checkLabName,
  defaultCheck,
  defaultLabName,
  defaultNetwork,
  hostAddress,
  hostNames,
  inventoryFile,
  keyFile,
  knownHostsFile,
  playbookFile,
  labDir,
  labFile,
  maxBalancers,
  maxHosts,
  registryAddress,
  type CheckSettings,
  type LabSettings,
} from './layout.ts';
import { claimNetwork, createNetwork, setCable } from './network.ts';
import { installPackages } from './packages.ts';
import { isErrno, run, type Finished } from './processes.ts';
import { startRegistry } from './registry.ts';
import { removeLab } from './teardown.ts';

export interface LabOptions {
  /** Default `default`. */
  readonly name?: string;
  readonly hosts: number;
  /** Default 1. */
  readonly balancers?: number;
  readonly check?: Partial<CheckSettings>;
  /** Told what is being done, a line at a time. */
  readonly say?: (line: string) => void;
}

/** A fleet of real hosts on this machine. */
export interface Lab extends Fleet {
  readonly kind: 'lab';
  readonly settings: LabSettings;
  readonly balancers: readonly LabBalancer[];
  /** The committed example playbook, fitted to this lab's network and number of hosts. */
  readonly playbookFile: string;
  /** Runs a command on a host as root, past SSH; a non-zero exit is a result. */
  exec(host: string, argv: readonly string[]): Promise<Finished>;
  /** Switches a host on if it is off. */
  ensureOn(host: string): Promise<void>;
  /** Makes round trips to the hosts this much longer; 0 takes it back. */
  setLatency(roundTripMs: number): Promise<void>;
}

export interface LabBalancer {
  /** From 1. */
  readonly number: number;
  readonly frontendUrl: string;
  readonly statsUrl: string;
  /** HAProxy's runtime API, at level admin. */
  readonly adminSocket: string;
}

/**
 * Boots a lab and resolves when every host, every balancer and the registry answer. Its `close` removes it whole.
 * @throws Error when it cannot; then nothing of it is left.
 */
export async function startLab(options: LabOptions): Promise<Lab> {
  const name = options.name ?? defaultLabName;
  checkOptions(options);
  const say = options.say ?? (() => undefined);
  await installPackages(say);
  await claimFolder(name);
  try {
    const lab = await claimSettings(name, options);
    await Promise.all([createNetwork(lab), createFiles(lab)]);
    say(`booting ${lab.hosts} hosts`);
    const balancers = Array.from({ length: lab.balancers }, (_, index) => startBalancer(lab, index + 1));
    await allOrFirstError([startRegistry(lab), ...balancers, ...hostNames(lab).map((host) => bootHost(lab, host))]);
    return fleetOf(lab, () => removeLab(name).then(() => undefined));
  } catch (error) {
    await removeLab(name);
    throw error;
  }
}

/** A lab that already runs. Its `close` leaves it running. @throws Error when there is none of this name. */
export async function attachLab(name: string = defaultLabName): Promise<Lab> {
  return fleetOf(await readSettings(name), () => Promise.resolve());
}

/** @throws Error saying how to start one. */
export async function readSettings(name: string): Promise<LabSettings> {
  checkLabName(name);
  try {
    // Written by claimSettings, in a folder that only root can write.
    return JSON.parse(await readFile(labFile(name), 'utf8')) as LabSettings;
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    throw new Error(`there is no lab ${name}; start one with: npm run lab -- up 6${nameOption(name)}`, {
      cause: error,
    });
  }
}

/** How the lab's name is written on a command line: nothing for the default one. */
export const nameOption = (name: string): string => (name === defaultLabName ? '' : ` --name ${name}`);

function checkOptions(options: LabOptions): void {
  checkLabName(options.name ?? defaultLabName);
  if (process.platform !== 'linux') throw new Error(`the lab needs Linux; this is ${process.platform}`);
  if (process.getuid?.() !== 0) throw new Error('the lab needs root: it makes network namespaces and mounts');
  checkCount('hosts', options.hosts, maxHosts);
  checkCount('balancers', options.balancers ?? 1, maxBalancers);
}

function checkCount(what: string, count: number, most: number): void {
  if (!Number.isInteger(count) || count < 1 || count > most)
    throw new Error(`${what}: must be a whole number from 1 to ${most}; got ${count}`);
}

/** Making the folder is what makes a lab of this name ours. */
async function claimFolder(name: string): Promise<void> {
  try {
    await mkdir(labDir(name), { mode: 0o755 });
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    const next = `look at it with: npm run lab -- status${nameOption(name)}, remove it with: npm run lab -- down${nameOption(name)}`;
    throw new Error(`lab ${name} exists already (${labDir(name)}); ${next}`, { cause: error });
  }
}

async function claimSettings(name: string, options: LabOptions): Promise<LabSettings> {
  const settings: LabSettings = {
    name,
    hosts: options.hosts,
    network: await claimNetwork(name, networkCandidates(name)),
    balancers: options.balancers ?? 1,
    check: { ...defaultCheck, ...options.check },
  };
  await writeFile(labFile(name), `${JSON.stringify(settings, null, 2)}\n`);
  return settings;
}

/** Other labs than the default one begin somewhere that depends on their name, so that they seldom meet. */
function networkCandidates(name: string): readonly number[] {
  if (name === defaultLabName) return [defaultNetwork];
  const start = Buffer.from(name).reduce((sum, byte) => (sum * 31 + byte) % 250, 7);
  const all = Array.from({ length: 250 }, (_, index) => 1 + ((start + index) % 250));
  return all.filter((network) => network !== defaultNetwork);
}

async function createFiles(lab: LabSettings): Promise<void> {
  const key = keyFile(lab.name);
  await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', `rollout-lab-${lab.name}`, '-f', key]);
  const [knownHosts] = await Promise.all([
    Promise.all(
      hostNames(lab).map(async (host) => `${hostAddress(lab.network, host)} ${await createDisk(lab, host)}\n`),
    ),
    compilePrograms(lab),
    writeExamples(lab),
  ]);
  await writeFile(knownHostsFile(lab.name), knownHosts.join(''));
}

/** Unlike Promise.all it lets the others come to their end first, so that none of them works on in a removed lab. */
async function allOrFirstError(tasks: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(tasks)).find((task) => task.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function fleetOf(lab: LabSettings, close: () => Promise<void>): Lab {
  const balancers = Array.from({ length: lab.balancers }, (_, index) => ({
    number: index + 1,
    frontendUrl: frontendUrl(lab, index + 1),
    statsUrl: statsUrl(lab, index + 1),
    adminSocket: adminSocket(lab, index + 1),
  }));
  return {
    kind: 'lab',
    settings: lab,
    balancers,
    hosts: hostNames(lab),
    dir: labDir(lab.name),
    inventoryFile: inventoryFile(lab.name),
    playbookFile: playbookFile(lab.name),
    registry: registryAddress(lab.network),
    frontendUrl: frontendUrl(lab, 1),
    statsUrl: statsUrl(lab, 1),
    publish: async (repository, tag, env) => (await publishImage(lab, repository, tag, env)).reference,
    docker: async (host, args) => {
      checkHost(lab, host);
      const { exitCode, stdout, stderr } = await runOnHost(lab, host, ['docker', ...args]);
      if (exitCode !== 0) throw new Error(`${host}: docker ${args.join(' ')}: exit ${exitCode}: ${stderr.trim()}`);
      return stdout;
    },
    exec: async (host, argv) => {
      checkHost(lab, host);
      return await runOnHost(lab, host, argv);
    },
    hostDown: async (host) => {
      checkHost(lab, host);
      if (!(await isPoweredOn(lab, host))) throw new Error(`${host} of lab ${lab.name} is off already`);
      await cutPower(lab, host);
    },
    hostUp: async (host) => {
      checkHost(lab, host);
      if (await isPoweredOn(lab, host)) throw new Error(`${host} of lab ${lab.name} is on already`);
      await bootHost(lab, host);
    },
    ensureOn: async (host) => {
      checkHost(lab, host);
      if (!(await isPoweredOn(lab, host))) await bootHost(lab, host);
    },
    partition: async (host) => {
      checkHost(lab, host);
      await setCable(lab, host, 'down');
    },
    heal: async (host) => {
      checkHost(lab, host);
      await setCable(lab, host, 'up');
    },
    setLatency: (roundTripMs) => setLatency(lab, roundTripMs),
    close,
  };
}
