import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ExecOptions, ExecResult } from '../ssh/remote.ts';
import type { Kept, KeepOptions } from '../task/module.ts';

/** Beside what goes into the file: the end of what the command complains of. */
const mostComplaintBytes = 65_536;

/**
 * What a command prints, in a file of the controller. It is written piece by piece beside its place, where nobody else can
 * read it, and renamed once it is whole: a host cannot fill memory, and what is refused leaves nothing behind.
 * @throws Error of the command, of the disk, or of `check`
 */
export async function keepOutput(
  run: (options: ExecOptions) => Promise<ExecResult>,
  { path, isPrivate, mostBytes, check }: KeepOptions,
): Promise<Kept> {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const own = mkdtempSync(join(folder, '.rollout-'));
  try {
    const file = join(own, 'new');
    // Its folder is closed to others; where it goes it is as every new file here, unless it is private on the host.
    const { kept, answer } = await writeOutput(run, openSync(file, 'wx', isPrivate ? 0o600 : 0o666), mostBytes);
    check({ ...kept, exitCode: answer.exitCode, stderr: answer.stderr });
    renameSync(file, path);
    return kept;
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

async function writeOutput(
  run: (options: ExecOptions) => Promise<ExecResult>,
  descriptor: number,
  mostBytes: number,
): Promise<{ readonly kept: Kept; readonly answer: ExecResult }> {
  const hash = createHash('sha1');
  const refused = new AbortController();
  let bytes = 0;
  try {
    const answer = await run({
      maxOutputBytes: mostComplaintBytes,
      signal: refused.signal,
      onOutput: (chunk, stream) => {
        if (stream === 'stderr' || refused.signal.aborted) return;
        bytes += chunk.length;
        try {
          if (bytes > mostBytes) throw new Error(`the host sends more than ${mostBytes} bytes`);
          hash.update(chunk);
          for (let at = 0; at < chunk.length;) at += writeSync(descriptor, chunk, at);
        } catch (error) {
          refused.abort(error);
        }
      },
    });
    refused.signal.throwIfAborted();
    return { kept: { bytes, checksum: hash.digest('hex') }, answer };
  } finally {
    closeSync(descriptor);
  }
}
