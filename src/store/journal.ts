import { closeSync, constants, fsync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from '../events/event.ts';
import { safeJson } from '../model/unsafe-text.ts';
import { makeOwnFolder, openOwnToWrite } from './own-file.ts';

/** The record of one run, a line an event, each written before the run's next effect. */
export interface Journal {
  readonly file: string;
  /** Never throws: a journal that cannot be written is said, not thrown, and the run goes on. */
  append(event: Event): void;
  close(): void;
}

/** The folder of all journals: `$ROLLOUT_STATE_DIR/runs`, else `.rollout/runs` below the working folder. */
export function journalDir(env: Readonly<Record<string, string | undefined>>, workingDir: string): string {
  return join(env['ROLLOUT_STATE_DIR'] ?? join(workingDir, '.rollout'), 'runs');
}

/** `20261120-150432-x7f3`: UTC, so that ids sort by time wherever they were made. `random` gives [0, 1). */
export function newRunId(nowMs: number, random: () => number): string {
  const [date = '', time = ''] = new Date(nowMs).toISOString().split(/[T.]/);
  // Without the letters and digits that look alike.
  const alphabet = '23456789abcdefghjkmnpqrstuvwxyz';
  const letter = (share: number): string => alphabet[Math.floor(share * alphabet.length)] ?? '2';
  // Two runs of one second sort by time as well: what is newest is what a rollback undoes.
  const ofSecond = (nowMs % 1000) / 1000;
  const tail = [ofSecond, (ofSecond * alphabet.length) % 1, random(), random()].map(letter).join('');
  return `${date.replaceAll('-', '')}-${time.replaceAll(':', '')}-${tail}`;
}

/** Opens `dir/RUN.jsonl` (0600), making the folder; `warn` gets one line when writing begins to fail. */
export function openJournal(
  dir: string,
  run: string,
  warn: (message: string) => void,
  writeBytes: (descriptor: number, bytes: Buffer, offset: number) => number = writeSync,
): Journal {
  const file = join(dir, `${run}.jsonl`);
  let descriptor: number | undefined;
  let lost = 0;
  let torn = false;
  const failed = (error: unknown): void => {
    lost += 1;
    if (lost > 1) return;
    const reason = error instanceof Error ? error.message : String(error);
    warn(`the journal ${file} cannot be written (${reason}); the run goes on, 'resume' and 'report' will miss events`);
  };
  const disk = createFlusher(failed);
  const write = (event: Event): void => {
    const opened = (descriptor ??= create(dir, file));
    // After half a line, the next one starts on its own.
    const line = Buffer.from(`${torn ? '\n' : ''}${safeJson(JSON.stringify(event))}\n`);
    for (let written = 0; written < line.length;) {
      torn = written > 0 || torn;
      written += writeBytes(opened, line, written);
    }
    torn = false;
    if (isBoundary(event)) disk.flush(opened);
  };

  return {
    file,
    append(event) {
      try {
        write(event);
      } catch (error) {
        failed(error);
        return;
      }
      if (lost === 0) return;
      const message = `${lost} events are missing here: the journal could not be written`;
      lost = 0;
      try {
        write({ v: 1, type: 'warning', at: event.at, run: event.run, message });
      } catch (error) {
        failed(error);
      }
    },
    close() {
      if (descriptor !== undefined) disk.close(descriptor);
      descriptor = undefined;
    },
  };
}

/**
 * Brings a file to the disk beside the run, one call for all that was written meanwhile: a thousand nodes must not wait
 * for the disk one after the other. What a power failure here takes away is the last moment, and hosts are read again
 * whatever the journal says of them.
 */
function createFlusher(onError: (error: unknown) => void): {
  flush(descriptor: number): void;
  close(descriptor: number): void;
} {
  let state: 'idle' | 'flushing' | 'again' = 'idle';
  let isClosing = false;
  const flush = (descriptor: number): void => {
    if (state !== 'idle') {
      state = 'again';
      return;
    }
    state = 'flushing';
    fsync(descriptor, (error) => {
      if (error !== null) onError(error);
      const isBehind = state === 'again';
      state = 'idle';
      if (isClosing) closeSync(descriptor);
      else if (isBehind) flush(descriptor);
    });
  };
  return {
    flush,
    close(descriptor) {
      isClosing = true;
      try {
        fsyncSync(descriptor);
      } catch (error) {
        onError(error);
      }
      // A descriptor that is closed under a flush may be another file's by the time it is flushed.
      if (state === 'idle') closeSync(descriptor);
    },
  };
}

function create(dir: string, file: string): number {
  makeOwnFolder(dir);
  const descriptor = openOwnToWrite(file, constants.O_APPEND);
  syncFolder(dir);
  return descriptor;
}

/** The file's name must survive a power loss as well as its lines; where folders cannot be synced it is as safe as they make it. */
function syncFolder(dir: string): void {
  let folder: number | undefined;
  try {
    folder = openSync(dir, 'r');
    fsyncSync(folder);
  } catch {
    return;
  } finally {
    if (folder !== undefined) closeSync(folder);
  }
}

/** Where a lost line would mislead `resume`: these reach the disk before the run goes on. */
function isBoundary({ type }: Event): boolean {
  return (
    type === 'run_started' ||
    type === 'node_started' ||
    type === 'node_done' ||
    type === 'node_failed' ||
    type === 'node_restored' ||
    type === 'run_paused' ||
    type === 'run_finished'
  );
}
