import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { systemOf } from './engines.ts';
import { labDir } from './layout.ts';
import { installPackages } from './packages.ts';
import { machineSystem, prepareRoot, type HostSystem } from './system.ts';
import { removeLab } from './teardown.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** What the names of this run's labs begin with; empty where there can be none. */
    labName: string;
    /** What runs on the hosts of this project's labs. */
    labSystem: HostSystem;
  }
}

/** What the names of labs that tests start begin with; short, because a lab's name must be. */
const prefix = 'test-';

/** Makes the machine ready for labs, and removes those that a suite of this run has left. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const system = systemOf(project.name) ?? machineSystem;
  project.provide('labSystem', system);
  const obstacle = whyNoLab() ?? (await whyNoSystem(system));
  if (obstacle !== undefined) {
    if (process.env['CI'] === 'true') throw new Error(`CI must run the lab tests, but ${obstacle}`);
    process.stderr.write(`\n*** The lab tests (${project.name}) are SKIPPED: ${obstacle}. ***\n\n`);
    project.provide('labName', '');
    return undefined;
  }
  await removeAbandonedLabs();
  await installPackages((line) => process.stderr.write(`lab: ${line}\n`));
  const base = await ownLabName(process.pid);
  project.provide('labName', base);
  return () => removeLabs((name) => name.startsWith(base));
}

/** Also makes it ready: a root file system takes a minute or two, the first time. */
async function whyNoSystem({ release }: HostSystem): Promise<string | undefined> {
  if (release === 'machine') return undefined;
  try {
    await prepareRoot(release, (line) => process.stderr.write(`lab: ${line}\n`));
    return undefined;
  } catch (error) {
    return `a ${release} for the hosts cannot be built: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function whyNoLab(): string | undefined {
  if (process.platform !== 'linux') return `a lab needs Linux, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'a lab needs root';
  return undefined;
}

/** Carries the pid and start time of this process, so that runs side by side do not share a lab. */
async function ownLabName(pid: number): Promise<string> {
  return `${prefix}${pid.toString(36)}-${await startTime(pid)}`;
}

/** Labs of test runs that were killed before they could clean up. */
async function removeAbandonedLabs(): Promise<void> {
  const running = new Map<string, boolean>();
  for (const name of await labNames()) {
    const [pid = '', started] = name.slice(prefix.length).split('-');
    running.set(name, (await startTime(Number.parseInt(pid, 36))) === started);
  }
  await removeLabs((name) => running.get(name) === false);
}

async function removeLabs(isMeant: (name: string) => boolean): Promise<void> {
  for (const name of (await labNames()).filter(isMeant)) await removeLab(name);
}

/** Of all labs on this machine that tests have started. */
async function labNames(): Promise<readonly string[]> {
  const folder = dirname(labDir('x'));
  const paths = (await readdir(folder)).map((entry) => join(folder, entry));
  return paths.filter((path) => path.startsWith(labDir(prefix))).map((path) => path.slice(labDir('').length));
}

/** Clock ticks since boot, in base 36; undefined when there is no such process. */
async function startTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The second field, the program's name, may hold blanks and brackets; the 22nd is the start time.
  const ticks = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return ticks === undefined ? undefined : Number(ticks).toString(36);
}
