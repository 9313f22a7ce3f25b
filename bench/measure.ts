import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Command {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** What a command and everything that it started cost this machine; what it did on the hosts is not in it. */
export interface Measured {
  readonly wallMs: number;
  readonly cpuMs: number;
  /** Most anonymous memory at once, pages that processes share counted once; sampled. */
  readonly peakBytes: number;
  readonly exitCode: number;
  /** Its stdout and stderr. */
  readonly output: string;
}

const sampleIntervalMs = 50;
let measuring: Group | undefined;

/** Ends the command that is being measured, and everything that it started. */
export async function endMeasured(): Promise<void> {
  await measuring?.kill();
}
const cgroupRoot = '/sys/fs/cgroup';

/**
 * Runs a command in a control group of its own, `groupName` below the root: so children count that nobody waits for, and
 * memory that forks share counts once.
 */
export async function measure(
  { argv, env, cwd }: Command,
  { groupName, timeoutMs }: { readonly groupName: string; readonly timeoutMs: number },
): Promise<Measured> {
  const group = (measuring = await createGroup(groupName));
  const log = join(cwd, 'output.log');
  const handle = await open(log, 'w');
  try {
    const enter = `for folder in ${group.folders.join(' ')}; do echo $$ >"$folder/cgroup.procs"; done; exec "$@"`;
    const startedMs = performance.now();
    const child = spawn('sh', ['-c', enter, 'bench', ...argv], {
      env,
      cwd,
      stdio: ['ignore', handle.fd, handle.fd],
    });
    // Its end, and not that of a pipe that somebody in the background still holds.
    const ended = new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code) => resolve(code ?? 137));
    });
    let wallMs: number | undefined;
    let peakBytes = 0;
    const exited = ended.finally(() => (wallMs = performance.now() - startedMs));
    const sampling = (async () => {
      while (wallMs === undefined) {
        peakBytes = Math.max(peakBytes, await group.memoryBytes());
        if (performance.now() - startedMs > timeoutMs) child.kill('SIGKILL');
        await Promise.race([exited, sleep(sampleIntervalMs)]);
      }
    })();
    const exitCode = await exited;
    await sampling;
    const cpuMs = await group.cpuMs();
    return { wallMs: wallMs ?? 0, cpuMs, peakBytes, exitCode, output: await readFile(log, 'utf8') };
  } finally {
    measuring = undefined;
    await handle.close();
    await group.remove();
  }
}

interface Group {
  readonly folders: readonly string[];
  cpuMs(): Promise<number>;
  memoryBytes(): Promise<number>;
  kill(): Promise<void>;
  /** With whatever still runs in it, as connections that are kept open for the next command. */
  remove(): Promise<void>;
}

async function createGroup(name: string): Promise<Group> {
  const isUnified = existsSync(join(cgroupRoot, 'cgroup.controllers'));
  const [cpu, memory] = isUnified
    ? [join(cgroupRoot, name), join(cgroupRoot, name)]
    : [join(cgroupRoot, 'cpuacct', name), join(cgroupRoot, 'memory', name)];
  const folders = [...new Set([cpu, memory])];
  for (const folder of folders) await mkdir(folder, { recursive: true });
  const number = async (file: string, pattern: RegExp): Promise<number> =>
    Number(pattern.exec(await readFile(file, 'utf8'))?.[1] ?? Number.NaN);
  return {
    folders,
    cpuMs: async () =>
      isUnified
        ? (await number(join(cpu, 'cpu.stat'), /^usage_usec (\d+)$/m)) / 1e3
        : (await number(join(cpu, 'cpuacct.usage'), /^(\d+)/)) / 1e6,
    memoryBytes: () => number(join(memory, 'memory.stat'), isUnified ? /^anon (\d+)$/m : /^total_rss (\d+)$/m),
    kill: () => killAllOf(cpu),
    remove: async () => {
      for (const folder of folders) await removeGroup(folder);
    },
  };
}

async function removeGroup(folder: string): Promise<void> {
  await killAllOf(folder);
  await rmdir(folder);
}

async function killAllOf(folder: string): Promise<void> {
  for (;;) {
    const pids = (await readFile(join(folder, 'cgroup.procs'), 'utf8')).split('\n').filter((pid) => pid !== '');
    if (pids.length === 0) return;
    for (const pid of pids) kill(Number(pid));
    await sleep(10);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone by itself.
  }
}
