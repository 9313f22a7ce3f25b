import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { writePlaybook, type PlaybookParts } from '../test/support/playbooks.ts';
import { startSandboxChild, type SandboxChild } from '../test/support/sandbox-child.ts';

export const jobs = ['first deploy', 'nothing to do', 'plan of a change', 'rollout of the change'] as const;
export type Job = (typeof jobs)[number];

/** What one command cost the controller, the fleet's own process aside. */
export interface Cost {
  readonly job: Job;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakBytes: number;
  /** Of the fleet's process meanwhile: where it is near the wall time, the fleet is what is waited for. */
  readonly fleetCpuMs: number;
  /** Bytes on stdout. */
  readonly outputBytes: number;
}

export interface MeasureOptions {
  /** The built tool. */
  readonly script: string;
  readonly hosts: number;
  /** More options of the controller's Node, `--cpu-prof` for instance. */
  readonly nodeOptions: readonly string[];
}

/** Docker's delays times this: what is measured is the controller, not the wait for an engine. */
const delayFactor = 0.1;
const everyoneAtOnce = { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' };
/** A quarter at a time, and no wait that only time ends: what is measured is work. */
export const changeStrategy = {
  canary: { hosts: 1, bake: '0s', min_requests: 0 },
  max_unavailable: '25%',
  min_available: 1,
  min_healthy_time: '0s',
  healthy_deadline: '5m',
  progress_deadline: '30m',
  drain: { timeout: '2m' },
};

/** One process is all the hosts: where the machine is busy it answers later than a real one. */
const sshConfig = 'ConnectTimeout 120\n';

/** Deploys to a new fleet, then updates it; every command in a process of its own. */
export async function measureScale(options: MeasureOptions, onCost: (cost: Cost) => void): Promise<void> {
  const fleet = await startSandboxChild({ hosts: options.hosts, delayFactor });
  const cwd = await mkdtemp(join(tmpdir(), 'rollout-scale-'));
  try {
    await mkdir(join(cwd, '.ssh'));
    await writeFile(join(cwd, '.ssh', 'config'), sshConfig);
    const health = await fleet.publish('shop/health', '1');
    const app = (version: string) => fleet.publish('shop/app', version, { APP_VERSION: version });
    const write = (image: string, strategy: PlaybookParts['strategy']) =>
      writePlaybook(fleet, { health, app: image, ...(strategy === undefined ? {} : { strategy }) });
    const measure = async (job: Job, ...args: readonly string[]): Promise<void> =>
      onCost(await measureCommand(job, args, { ...options, cwd, fleet }));

    const first = await write(await app('1'), everyoneAtOnce);
    await measure('first deploy', 'run', first);
    await measure('nothing to do', 'run', first);
    const change = await write(await app('2'), changeStrategy);
    await measure('plan of a change', 'plan', change);
    await measure('rollout of the change', 'run', change);
  } finally {
    await fleet.close();
    await rm(cwd, { recursive: true, force: true });
  }
}

/** Prints the process's own figures on descriptor 3 when it ends. */
const reporter = `data:text/javascript,${encodeURIComponent(
  `import { writeSync } from 'node:fs';
   process.on('exit', () => {
     const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
     writeSync(3, JSON.stringify({ cpuMs: (userCPUTime + systemCPUTime) / 1000, peakBytes: maxRSS * 1024 }));
   });`,
)}`;

async function measureCommand(
  job: Job,
  args: readonly string[],
  { script, cwd, fleet, nodeOptions }: MeasureOptions & { readonly cwd: string; readonly fleet: SandboxChild },
): Promise<Cost> {
  const before = await fleet.call('usage');
  const startedMs = performance.now();
  const child = spawn(process.execPath, [...nodeOptions, '--import', reporter, script, ...args, '--output', 'plain'], {
    cwd,
    // No configuration and no agent of whoever measures.
    env: { PATH: process.env['PATH'], HOME: cwd },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [stdout, stderr, figures, exitCode] = await Promise.all([
    text(child.stdio[1] as Readable),
    text(child.stdio[2] as Readable),
    text(child.stdio[3] as Readable),
    ended,
  ]);
  const wallMs = performance.now() - startedMs;
  if (exitCode !== 0) throw new Error(`${job} ended with ${exitCode}\n${stderr}\n${stdout.slice(-4000)}`);
  const { cpuMs: fleetCpuMs } = await fleet.call('usage');
  const { cpuMs, peakBytes } = JSON.parse(figures) as Pick<Cost, 'cpuMs' | 'peakBytes'>;
  return { job, wallMs, cpuMs, peakBytes, fleetCpuMs: fleetCpuMs - before.cpuMs, outputBytes: stdout.length };
}
