import { spawn } from 'node:child_process';
import { mkdir, open, readdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { namespaceFile } from './layout.ts';

/** Nothing of the caller's environment (proxies, tokens, DOCKER_HOST) reaches a lab's processes. */
export const cleanEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
} as const;

export interface RunOptions {
  readonly input?: string;
  /** Default 60 s. */
  readonly timeoutMs?: number;
}

export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end and resolves to its stdout. @throws Error with the command and what it said on stderr. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await runToEnd(argv, options);
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: exit ${exitCode}: ${stderr.trim() || stdout.trim()}`);
  return stdout;
}

/** As {@link run}, but a non-zero exit is a result. */
export async function runToEnd(argv: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const [command = '', ...args] = argv;
  const timeoutMs = options.timeoutMs ?? 60_000;
  const child = spawn(command, args, { env: cleanEnvironment, stdio: ['pipe', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  // A command that exits without reading its input is judged by its exit code.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${argv.join(' ')}: not finished after ${timeoutMs} ms`));
    }, timeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new Error(`${argv.join(' ')}: ${error.message}`, { cause: error }));
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ exitCode: code ?? 137, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
  });
}

export interface Started {
  readonly pid: number;
  readonly hasExited: () => boolean;
}

/** Starts a process in a network namespace that outlives this one, with both outputs in `log`. */
export async function startInNamespace(namespace: string, argv: readonly string[], log: string): Promise<Started> {
  await mkdir(dirname(log), { recursive: true });
  const handle = await open(log, 'a');
  try {
    const child = spawn('nsenter', [`--net=${namespaceFile(namespace)}`, '--', ...argv], {
      cwd: '/',
      env: cleanEnvironment,
      detached: true,
      stdio: ['ignore', handle.fd, handle.fd],
    });
    let exited = false;
    child.on('exit', () => (exited = true));
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    return { pid: child.pid ?? 0, hasExited: () => exited };
  } finally {
    await handle.close();
  }
}

/** Pids of the processes in each of these network namespaces; a namespace that does not exist has none. */
export async function pidsIn(namespaces: readonly string[]): Promise<ReadonlyMap<string, readonly number[]>> {
  const pids = new Map<string, number[]>(namespaces.map((namespace) => [namespace, []]));
  const byInode = new Map<number, number[]>();
  for (const namespace of namespaces) {
    const inode = await inodeOf(namespaceFile(namespace));
    if (inode !== undefined) byInode.set(inode, pids.get(namespace) ?? []);
  }
  const processes = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  await Promise.all(
    processes.map(async (pid) => {
      const inode = await inodeOf(`/proc/${pid}/ns/net`);
      if (inode !== undefined) byInode.get(inode)?.push(Number(pid));
    }),
  );
  return pids;
}

/**
 * Kills with SIGKILL whatever is in these network namespaces, and resolves when nothing is. Whatever forks meanwhile is
 * killed in the next round; a pid is read from the namespace right before its kill, so a reused one is never hit.
 */
export async function killAllIn(namespaces: readonly string[], deadlineMs = 20_000): Promise<void> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const left = [...(await pidsIn(namespaces)).values()].flat();
    if (left.length === 0) return;
    if (Date.now() > end) throw new Error(`still running after SIGKILL: ${await describe(left)}`);
    for (const pid of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if (!isErrno(error, 'ESRCH')) throw error;
      }
    }
    await sleep(10);
  }
}

/** The pid, as the machine sees it, of the first process of a host's own pid namespace; undefined while it is off. */
export async function firstProcessIn(namespace: string): Promise<number | undefined> {
  const pids = (await pidsIn([namespace])).get(namespace) ?? [];
  for (const pid of pids) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    // `NSpid: 4711 1`: its pid here, then in the host. A container's has one number more.
    if (/^NSpid:\s+\d+\s+1$/m.test(status)) return pid;
  }
  return undefined;
}

/** Resident memory in bytes, shared pages counted by share. */
export async function memoryOf(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1024;
}

export async function lastLinesOf(file: string, count = 15): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

async function inodeOf(file: string): Promise<number | undefined> {
  return (await stat(file).catch(() => undefined))?.ino;
}

async function describe(pids: readonly number[]): Promise<string> {
  const names = pids.map(async (pid) => {
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'gone');
    return `${pid} (${name.trim()})`;
  });
  return (await Promise.all(names)).join(', ');
}
