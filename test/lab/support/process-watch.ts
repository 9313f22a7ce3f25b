import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** What a watcher has seen of other processes, each once. */
export interface SeenProcesses {
  /** How often it has looked, and at how many processes in all. */
  readonly samples: number;
  readonly processes: number;
  readonly commandLines: readonly string[];
  /** Those that it may read: another user's are the kernel's secret. */
  readonly environments: readonly { readonly commandLine: string; readonly environment: string }[];
}

export interface ProcessWatch {
  stop(): Promise<SeenProcesses>;
}

const everyUs = 5000;

/**
 * Looks at every process 5 ms after it has last looked, with the compiled `processes` program. `within` are words before
 * it, which make it run inside a host; `userId` whom it runs as.
 */
export function watchProcesses(
  program: string,
  { within = [], userId = 0 }: { readonly within?: readonly string[]; readonly userId?: number } = {},
): ProcessWatch {
  const [first, ...rest] = [...within, program, String(everyUs), String(userId)];
  const child = spawn(first, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  const commandLines: string[] = [];
  const environments: { commandLine: string; environment: string }[] = [];
  let counts: readonly number[] = [];
  const lines = createInterface({ input: child.stdout }).on('line', (line) => {
    const [kind, ...words] = line.split(' ');
    if (kind === 'n') counts = words.map(Number);
    const [commandLine = '', environment = ''] = words.map((word) => textOf(word));
    if (kind === 'c') commandLines.push(commandLine);
    if (kind === 'e') environments.push({ commandLine, environment });
  });
  const ended = Promise.all([once(child, 'close'), once(lines, 'close')]);
  return {
    stop: async () => {
      child.stdin.end();
      await ended;
      const [samples = 0, processes = 0] = counts;
      return { samples, processes, commandLines, environments };
    },
  };
}

/** The words of a command line, or of an environment, one after the other. */
const textOf = (hex: string): string => Buffer.from(hex, 'hex').toString().replaceAll('\0', '\n');
