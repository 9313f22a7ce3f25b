import { createInterface } from 'node:readline/promises';
import type { World } from './world.ts';

/** Whether there is somebody to ask. */
export function isInteractive({ stdin, stderr }: World): boolean {
  return stdin.isTTY && stderr.isTTY;
}

/** Asks on stderr, so that a piped stdout stays clean. Anything but yes is no. */
export async function askYesNo(question: string, { stdin, stderr }: World): Promise<boolean> {
  const prompt = createInterface({ input: stdin, output: stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question(`${question} [y/N] `)).trim());
  } finally {
    prompt.close();
  }
}

/** Asks without showing what is typed. */
export async function askHidden(question: string, { stdin, stderr }: World): Promise<string> {
  stderr.write(question);
  const prompt = createInterface({ input: stdin, terminal: true });
  try {
    return await prompt.question('');
  } finally {
    prompt.close();
    stderr.write('\n');
  }
}
