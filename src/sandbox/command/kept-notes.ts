import type { CommandIo } from '../docker-cli/context.ts';
import type { HostMachine } from './machine.ts';

/** Where a host keeps what runs leave there: everybody is root in a sandbox. */
const stateFolder = '/var/lib/rollout';

/** Lines `#FOLDER NAME MOST TEXT` among what a lock hears. */
export class KeptNotes {
  readonly #machine: HostMachine;
  readonly #onUnkept: () => void;
  /** Of a line that has begun. */
  #line: string | undefined;

  constructor(machine: HostMachine, onUnkept: () => void) {
    this.#machine = machine;
    this.#onUnkept = onUnkept;
  }

  /** Keeps what has come whole. @returns what was no part of such a line */
  take(heard: string): string {
    let others = '';
    for (const byte of heard) {
      if (this.#line === undefined && byte === '#') this.#line = '';
      else if (this.#line === undefined) others += byte;
      else if (byte === '\n') {
        this.#keep(this.#line);
        this.#line = undefined;
      } else this.#line += byte;
    }
    return others;
  }

  #keep(line: string): void {
    const [, folder = '', name = '', most = '', text = ''] = /^(\S+) (\S+) (\d+) (.*)$/s.exec(line) ?? [];
    const { files } = this.#machine;
    const path = `${stateFolder}/${folder}`;
    // As where a folder cannot be made.
    if (files.has(path)) {
      this.#onUnkept();
      return;
    }
    files.set(`${path}/${name}`, Buffer.from(`${text}\n`));
    const names = [...files.keys()].filter((file) => file.startsWith(`${path}/`)).sort();
    for (const old of names.slice(0, Math.max(0, names.length - Number(most)))) files.delete(old);
  }
}

/** `rollout-recall STATE FOLDER PREFIX MOST BYTES`: what is kept in a folder, newest first, a line a file. */
export function recall(machine: HostMachine, io: CommandIo, args: readonly string[]): Promise<number> {
  const [, folder = '', prefix = '', most = '0', bytes = '0'] = args;
  const path = `${stateFolder}/${folder}/`;
  const names = [...machine.files.keys()].filter((file) => file.startsWith(`${path}${prefix}`)).sort();
  for (const name of names.reverse().slice(0, Number(most)))
    io.stdout(`${machine.files.get(name)?.toString().slice(0, Number(bytes)).trimEnd() ?? ''}\n`);
  return Promise.resolve(0);
}
