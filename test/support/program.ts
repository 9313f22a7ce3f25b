import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface FinishedProgram {
  /** `null` where a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Of every process of this machine, hosts of a lab included, as seen again and again while the program ran. */
  readonly commandLines: string;
}

const sampleEveryMs = 100;

/** Runs a program to its end, and watches the machine's process list meanwhile. */
export function runProgram(
  program: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<FinishedProgram> {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const seen = new Set<string>();
  const sampling = setInterval(() => {
    for (const line of commandLines()) seen.add(line);
  }, sampleEveryMs);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => {
      clearInterval(sampling);
      resolve({ exitCode, stdout, stderr, commandLines: [...seen].join('\n') });
    });
  });
}

function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        // It has ended since the list was read.
        return '';
      }
    });
}
