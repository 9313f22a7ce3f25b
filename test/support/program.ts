import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface FinishedProgram {
  /** `null` where a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Of every process of this machine, hosts of a lab included, as seen again and again while the program ran. */
  readonly commandLines: string;
  /** The same processes' environments, each with the command line of its process. */
  readonly environments: readonly { readonly commandLine: string; readonly environment: string }[];
}

const sampleEveryMs = 100;

/** Runs a program to its end, and watches the machine's process list meanwhile. */
export function runProgram(
  program: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<FinishedProgram> {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const seen = new Map<string, { readonly commandLine: string; readonly environment: string }>();
  const sampling = setInterval(() => {
    for (const process of processes()) seen.set(`${process.commandLine}\n${process.environment}`, process);
  }, sampleEveryMs);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => {
      clearInterval(sampling);
      const environments = [...seen.values()];
      const commandLines = environments.map(({ commandLine }) => commandLine).join('\n');
      resolve({ exitCode, stdout, stderr, commandLines, environments });
    });
  });
}

function processes(): { commandLine: string; environment: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ commandLine: readList(pid, 'cmdline', ' '), environment: readList(pid, 'environ', '\n') }));
}

/** Empty for a process that has ended since the list was read, and where it is somebody else's. */
function readList(pid: string, file: 'cmdline' | 'environ', separator: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').replace(/\0$/, '').replaceAll('\0', separator);
  } catch {
    return '';
  }
}
