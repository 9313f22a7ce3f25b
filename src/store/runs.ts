import { lstatSync } from 'node:fs';
import { readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Event } from '../events/event.ts';
import { ForeignFileError, isOwn, openOwn } from './own-file.ts';

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
