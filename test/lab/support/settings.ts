import { mkdir, readFile, writeFile } from 'node:fs/promises';
import {
  checkLabName,
  defaultCheck,
  defaultLabName,
  defaultNetwork,
  labDir,
  labFile,
  maxBalancers,
  maxHosts,
  nameOption,
  type CheckSettings,
  type LabSettings,
} from './layout.ts';
import { claimNetwork } from './network.ts';
import { isErrno } from './processes.ts';
import { checkSystem, machineSystem, type HostSystem } from './system.ts';

export interface LabOptions {
  /** Default `default`. */
  readonly name?: string;
  readonly hosts: number;
  /** Default 1. */
  readonly balancers?: number;
  readonly check?: Partial<CheckSettings>;
  /** What runs on the hosts; by default the machine's own programs. */
  readonly system?: HostSystem;
  /** Told what is being done, a line at a time. */
  readonly say?: (line: string) => void;
}

/** Making the folder is what makes a lab of this name ours. @throws Error when there is one. */
export async function claimFolder(name: string): Promise<void> {
  try {
    await mkdir(labDir(name), { mode: 0o755 });
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    const next = `look at it with: npm run lab -- status${nameOption(name)}, remove it with: npm run lab -- down${nameOption(name)}`;
    throw new Error(`lab ${name} exists already (${labDir(name)}); ${next}`, { cause: error });
  }
}

/** Takes a network for the new lab, and writes down what the lab is to be. */
export async function claimSettings(name: string, options: LabOptions): Promise<LabSettings> {
  const settings: LabSettings = {
    name,
    hosts: options.hosts,
    network: await claimNetwork(name, networkCandidates(name)),
    balancers: options.balancers ?? 1,
    check: { ...defaultCheck, ...options.check },
    system: options.system ?? machineSystem,
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

/** @throws Error that says what is wrong with the options, or with this machine. */
export function checkOptions(options: LabOptions): void {
  checkLabName(options.name ?? defaultLabName);
  if (process.platform !== 'linux') throw new Error(`the lab needs Linux; this is ${process.platform}`);
  if (process.getuid?.() !== 0) throw new Error('the lab needs root: it makes network namespaces and mounts');
  checkCount('hosts', options.hosts, maxHosts);
  checkCount('balancers', options.balancers ?? 1, maxBalancers);
  checkSystem(options.system ?? machineSystem);
}

function checkCount(what: string, count: number, most: number): void {
  if (!Number.isInteger(count) || count < 1 || count > most)
    throw new Error(`${what}: must be a whole number from 1 to ${most}; got ${count}`);
}
