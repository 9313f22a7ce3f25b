import { writeFile } from 'node:fs/promises';
import { compilePrograms } from './compile.ts';
import { writeExamples } from './examples.ts';
import { fleetOf, type Lab } from './fleet.ts';
import { startBalancer } from './haproxy.ts';
import { createDisk } from './host-disk.ts';
import { bootHost } from './host.ts';
import {
  balancerNumbers,
  defaultLabName,
  hostAddress,
  hostNames,
  keyFile,
  knownHostsFile,
  type LabSettings,
} from './layout.ts';
import { createNetwork } from './network.ts';
import { installPackages } from './packages.ts';
import { run } from './processes.ts';
import { startRegistry } from './registry.ts';
import { checkOptions, claimFolder, claimSettings, readSettings, type LabOptions } from './settings.ts';
import { machineSystem, prepareRoot } from './system.ts';
import { removeLab } from './teardown.ts';

/**
 * Boots a lab and resolves when every host, every balancer and the registry answer. Its `close` removes it whole.
 * @throws Error when it cannot; then nothing of it is left.
 */
export async function startLab(options: LabOptions): Promise<Lab> {
  const name = options.name ?? defaultLabName;
  checkOptions(options);
  const say = options.say ?? (() => undefined);
  await installPackages(say);
  const { release } = options.system ?? machineSystem;
  if (release !== 'machine') await prepareRoot(release, say);
  await claimFolder(name);
  try {
    const lab = await claimSettings(name, options);
    await allOrFirstError([createNetwork(lab), createFiles(lab)]);
    say(`booting ${lab.hosts} hosts`);
    await allOrFirstError([
      startRegistry(lab),
      ...balancerNumbers(lab).map((balancer) => startBalancer(lab, balancer)),
      ...hostNames(lab).map((host) => bootHost(lab, host)),
    ]);
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

async function createFiles(lab: LabSettings): Promise<void> {
  const key = keyFile(lab.name);
  await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', `rollout-lab-${lab.name}`, '-f', key]);
  const knownHosts: string[] = [];
  const disks = hostNames(lab).map(async (host) => {
    knownHosts.push(`${hostAddress(lab.network, host)} ${await createDisk(lab, host)}\n`);
  });
  await allOrFirstError([...disks, compilePrograms(lab), writeExamples(lab)]);
  await writeFile(knownHostsFile(lab.name), knownHosts.join(''));
}

/** Unlike Promise.all it lets the others come to their end first, so that none of them works on in a removed lab. */
async function allOrFirstError(tasks: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(tasks)).find((task) => task.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
