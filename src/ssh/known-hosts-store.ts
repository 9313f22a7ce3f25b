import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatKnownHost, judgeHostKey, KnownHostLines, parseKnownHosts } from './known-hosts.ts';

/** The known_hosts files of a run: each read once, and kept in step with what the run adds. */
export class KnownHostsStore {
  readonly #files = new Map<string, Promise<KnownHostLines>>();
  #appending: Promise<unknown> = Promise.resolve();

  /** The lines of each of the files, in order. A file that does not exist holds none. */
  load(files: readonly string[]): Promise<readonly KnownHostLines[]> {
    return Promise.all(files.map((file) => this.#read(file)));
  }

  /**
   * Appends a host's key. Runs of this process queue here; other processes are safe because a line is written
   * by a single append.
   */
  add(file: string, name: string, key: Buffer, options: { hashed: boolean }): Promise<void> {
    const added = this.#appending.then(() => this.#append(file, name, key, options.hashed));
    this.#appending = added.catch(() => undefined);
    return added;
  }

  async #append(file: string, name: string, key: Buffer, hashed: boolean): Promise<void> {
    const known = await this.#read(file);
    if (judgeHostKey(known.about(name), key).kind === 'trusted') return;
    const line = formatKnownHost(name, key, hashed ? randomBytes(20) : undefined);
    // Remembered first: where the file cannot be written the key still holds for the rest of this run.
    for (const entry of parseKnownHosts(line, file)) known.add({ ...entry, line: 0 });
    await appendLine(file, line);
  }

  #read(file: string): Promise<KnownHostLines> {
    const cached = this.#files.get(file);
    if (cached !== undefined) return cached;
    const loading = readIfExists(file).then((text) => new KnownHostLines(parseKnownHosts(text, file)));
    this.#files.set(file, loading);
    return loading;
  }
}

async function readIfExists(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return '';
    throw error;
  }
}

async function appendLine(file: string, line: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, 'a+', 0o600);
  try {
    const { size } = await handle.stat();
    const last = Buffer.alloc(1);
    // An editor may have left the last line without its newline; two keys on one line would be none.
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    await handle.write(size > 0 && last.toString() !== '\n' ? `\n${line}` : line);
  } finally {
    await handle.close();
  }
}
