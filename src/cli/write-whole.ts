import { rename, rm, writeFile } from 'node:fs/promises';
import { RunRefused } from '../engine/context.ts';
import { exitCodes } from '../events/exit-code.ts';

/** Nobody ever reads half of it: it is written beside its place, and then moved there. */
export async function writeWhole(
  file: string,
  text: string,
  { what, mode }: { what: string; mode: number },
): Promise<void> {
  const beside = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(beside, text, { mode });
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    const reason = error instanceof Error ? error.message : String(error);
    throw new RunRefused(exitCodes.usage, `the ${what} ${file} cannot be written: ${reason}`);
  }
}
