import { createInterface } from 'node:readline/promises';
import { sanitize } from '../render/sanitize.ts';
import type { World } from './world.ts';

/** Whether there is somebody to ask. */
export function isInteractive({ stdin, stderr }: World): boolean {
  return stdin.isTTY && stderr.isTTY;
}

/**
 * Asks on stderr, so that a piped stdout stays clean. Anything but yes is no, and so are the end of the input and the
 * abortion of `signal`.
 */
export async function askYesNo(question: string, { stdin, stderr }: World, signal: AbortSignal): Promise<boolean> {
  const prompt = createInterface({ input: stdin, output: stderr });
  // While a line is read Ctrl-C is a key: it is made the signal that it is everywhere else.
  prompt.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const closed = new Promise<string>((resolve) => prompt.once('close', () => resolve('')));
  const answered = prompt.question(`${sanitize(question)} [y/N] `, { signal }).catch(() => '');
  try {
    return /^y(es)?$/i.test((await Promise.race([answered, closed])).trim());
  } finally {
    prompt.close();
  }
}

/** Asks without showing what is typed. */
export async function askHidden(question: string, { stdin, stderr }: World): Promise<string> {
  stderr.write(sanitize(question));
  const prompt = createInterface({ input: stdin, terminal: true });
  try {
    return await prompt.question('');
  } finally {
    prompt.close();
    stderr.write('\n');
  }
}
