import { readdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { TestProject } from 'vitest/node';
import { labDir } from './layout.ts';
import { startLab } from './lab.ts';
import { removeLab } from './teardown.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The shared lab of 6 hosts; empty where there can be none. */
    labName: string;
  }
}

const sharedHosts = 6;

/** Boots one lab that all lab tests share, and removes it after the last of them. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const obstacle = whyNoLab();
  if (obstacle !== undefined) {
    if (process.env['CI'] === 'true') throw new Error(`CI must run the lab tests, but ${obstacle}`);
    process.stderr.write(`\n*** The lab tests are SKIPPED: ${obstacle}. ***\n\n`);
    project.provide('labName', '');
    return undefined;
  }
  await removeAbandonedLabs();
  const name = await ownLabName(process.pid);
  const lab = await startLab({ name, hosts: sharedHosts, say: (line) => process.stderr.write(`lab: ${line}\n`) });
  project.provide('labName', name);
  return () => lab.close();
}

function whyNoLab(): string | undefined {
  if (process.platform !== 'linux') return `a lab needs Linux, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'a lab needs root';
  return undefined;
}

/** Carries the pid and start time of this process, so that runs side by side do not share a lab. */
async function ownLabName(pid: number): Promise<string> {
  return `vitest-${pid}-${await startTime(pid)}`;
}

/** Labs of test runs that were killed before they could clean up. */
async function removeAbandonedLabs(): Promise<void> {
  const prefix = labDir('vitest-');
  const folders = (await readdir(dirname(prefix))).map((entry) => `${dirname(prefix)}/${entry}`);
  for (const folder of folders.filter((entry) => entry.startsWith(prefix))) {
    const [pid, started] = folder.slice(prefix.length).split('-');
    if ((await startTime(Number(pid))) !== started) await removeLab(folder.slice(labDir('').length));
  }
}

/** Clock ticks since boot, in base 36; undefined when there is no such process. */
async function startTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The second field, the program's name, may hold blanks and brackets; the 22nd is the start time.
  const ticks = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return ticks === undefined ? undefined : Number(ticks).toString(36);
}
