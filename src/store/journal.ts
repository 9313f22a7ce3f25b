import { closeSync, constants, fsync, fsyncSync, lstatSync, openSync, writeSync } from 'node:fs';
import { readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Event } from '../events/event.ts';
import { safeJson } from '../model/unsafe-text.ts';
import { ForeignFileError, isOwn, makeOwnFolder, openOwn, openOwnToWrite } from './own-file.ts';

/** The record of one run, a line an event, each written before the run's next effect. */
export interface Journal {
  readonly file: string;
  /** Never throws: a journal that cannot be written is said, not thrown, and the run goes on. */
  append(event: Event): void;
  close(): void;
}

export interface StoredRun {
  readonly id: string;
  readonly events: readonly Event[];
  /** Lines that are no event: the torn end of a run that was cut off, or what a full disk left. */
  readonly damagedLines: number;
}

/** How a run began and ended, without reading what is between. */
export interface RunEnds {
  readonly id: string;
  readonly started: EventOf<'run_started'> | undefined;
  readonly finished: EventOf<'run_finished'> | undefined;
}

type EventOf<Type extends Event['type']> = Extract<Event, { readonly type: Type }>;

/** No such run, or several that begin so. Exit code 2. */
export class RunNotFoundError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RunNotFoundError';
  }
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

/** A run's events, by its id or by the beginning of its id; '' is the newest run. Rejects with {@link RunNotFoundError}. */
export async function readRun(dir: string, idOrPrefix: string): Promise<StoredRun> {
  const id = await findRun(dir, idOrPrefix);
  const lines = (await readOwn(join(dir, `${id}.jsonl`))).split('\n').filter((line) => line !== '');
  const events = lines.map(parseEvent).filter((event) => event !== undefined);
  return { id, events, damagedLines: lines.length - events.length };
}

/** The ends of one run, by its id or by the beginning of its id; '' is the newest run. Rejects with {@link RunNotFoundError}. */
export async function findEnds(dir: string, idOrPrefix: string): Promise<RunEnds> {
  const id = await findRun(dir, idOrPrefix);
  return { id, ...(await readEnds(join(dir, `${id}.jsonl`))) };
}

/** The newest `limit` runs, newest first. Reads the ends of the files only. */
export async function listRuns(dir: string, limit: number): Promise<readonly RunEnds[]> {
  const runs: RunEnds[] = [];
  // One after the other: thousands of journals must not mean thousands of open files.
  for (const id of await runIds(dir)) {
    if (runs.length >= limit) break;
    if (isOwnRun(dir, id)) runs.push({ id, ...(await readEnds(join(dir, `${id}.jsonl`))) });
  }
  return runs;
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

/** A line's event; undefined for half a line. What is whole was written by us, so its shape is not checked again. */
function parseEvent(line: string): Event | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'type' in value && 'at' in value
      ? (value as Event)
      : undefined;
  } catch {
    return undefined;
  }
}

async function findRun(dir: string, idOrPrefix: string): Promise<string> {
  const ids = await runIds(dir);
  const newest = idOrPrefix === '' ? ids.find((id) => isOwnRun(dir, id)) : undefined;
  if (newest !== undefined) return newest;
  const matches = ids.filter((id) => id.startsWith(idOrPrefix));
  const [only] = ids.includes(idOrPrefix) ? [idOrPrefix] : matches;
  if (only !== undefined && (matches.length === 1 || only === idOrPrefix)) return only;
  if (matches.length > 1) {
    const shown = matches.slice(0, 5).join(', ');
    throw new RunNotFoundError(`${matches.length} runs begin with '${idOrPrefix}': ${shown}. Type more of the id.`);
  }
  const hint = ids.length === 0 ? `there is no run in ${dir}` : `'rollout history' lists the runs in ${dir}`;
  throw new RunNotFoundError(`no run${idOrPrefix === '' ? '' : ` '${idOrPrefix}'`}: ${hint}.`);
}

/** Another user's file says nothing of this user's runs: `resume` and `rollback` would do what it says. */
function isOwnRun(dir: string, id: string): boolean {
  const found = lstatSync(join(dir, `${id}.jsonl`), { throwIfNoEntry: false });
  return found?.isFile() === true && isOwn(found);
}

function openRun(file: string): Promise<FileHandle> {
  return openOwn(file).catch((error: unknown) => {
    if (!(error instanceof ForeignFileError)) throw error;
    throw new RunNotFoundError(`${error.message}: it is not read, for \`resume\` and \`rollback\` do what it says.`);
  });
}

async function readOwn(file: string): Promise<string> {
  const handle = await openRun(file);
  try {
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

async function runIds(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => name.slice(0, -'.jsonl'.length))
    .sort()
    .reverse();
}

async function readEnds(file: string): Promise<Omit<RunEnds, 'id'>> {
  const handle = await openRun(file);
  try {
    const { size } = await handle.stat();
    return { started: await readStart(handle, size), finished: await readEnd(handle, size) };
  } finally {
    await handle.close();
  }
}

/** Among the first lines: a warning may come before it. */
async function readStart(handle: FileHandle, size: number): Promise<EventOf<'run_started'> | undefined> {
  for (let length = 65_536; ; length *= 4) {
    const events = (await readText(handle, 0, Math.min(length, size))).split('\n').map(parseEvent);
    const started = events.find((event) => event?.type === 'run_started');
    if (started !== undefined || length >= size) return started;
  }
}

/** Among the last lines; a run that was cut off has none, and perhaps a torn line instead. */
async function readEnd(handle: FileHandle, size: number): Promise<EventOf<'run_finished'> | undefined> {
  for (let length = 65_536; ; length *= 4) {
    const text = await readText(handle, Math.max(0, size - length), Math.min(length, size));
    // What stands before the first line end may be the rest of a longer line: it is no event, and is passed over.
    const events = text
      .split('\n')
      .map(parseEvent)
      .filter((event) => event !== undefined);
    const finished = events.find((event) => event.type === 'run_finished');
    if (finished !== undefined || events.length > 1 || length >= size) return finished;
  }
}

async function readText(handle: FileHandle, position: number, length: number): Promise<string> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead).toString('utf8');
}
