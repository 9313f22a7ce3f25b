import { statSync } from 'node:fs';
import { resolvePath } from '../../config/files.ts';
import { ownImages } from '../../engine/images.ts';
import { open, type OpenedRun, type RunHooks } from '../open.ts';
import type { ConnectionOptions, PlaybookOptions } from '../options.ts';
import type { Surroundings } from '../surroundings.ts';

type Options = PlaybookOptions & ConnectionOptions & Surroundings & RunHooks;

/**
 * A playbook that is watched: read once, and again when its file or its composition has changed. What else belongs to it,
 * an inventory's script or a secret's command, is asked again then and by every run, not with every look.
 */
export class ReloadingPlaybook {
  readonly path: string;
  readonly #file: string;
  readonly #options: Options;
  #opened: OpenedRun;
  #marks: string;

  private constructor(file: string, options: Options, opened: OpenedRun) {
    this.path = resolvePath(options.cwd, file, options.env);
    this.#file = file;
    this.#options = options;
    this.#opened = opened;
    this.#marks = this.#marksNow();
  }

  /** @throws ConfigError */
  static async open(file: string, options: Options): Promise<ReloadingPlaybook> {
    return new ReloadingPlaybook(file, options, await openTo(file, options));
  }

  /** As it was read last. */
  get opened(): OpenedRun {
    return this.#opened;
  }

  /** Reads it anew where it has changed. @throws ConfigError; what was read before then still holds */
  async refresh(): Promise<void> {
    if (this.#marks === this.#marksNow()) return;
    const opened = await openTo(this.#file, this.#options);
    await this.#opened.close();
    this.#opened = opened;
    this.#marks = this.#marksNow();
  }

  async close(): Promise<void> {
    await this.#opened.close();
  }

  #marksNow(): string {
    const { cwd, env } = this.#options;
    const { composition } = this.#opened.playbook;
    const files = [this.path, ...(composition === undefined ? [] : [resolvePath(cwd, composition.file, env)])];
    return files.map((file) => markOf(file)).join(' ');
  }
}

function openTo(file: string, options: Options): Promise<OpenedRun> {
  return open(file, options, options, options, ownImages);
}

/** Changes when the file is written or replaced. */
function markOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? 'none' : `${found.ino}:${found.size}:${found.mtimeMs}`;
}
