import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import * as nodeModule from 'node:module';
import { basename, dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';
import { packCode, unpackCode, type CompiledChunk } from './compiled-code.ts';
import { isOwn } from './own-path.ts';

/** Each has a file of its own, for V8 keeps only what has been called; anything else is a run of a playbook. */
export const cachedCommands: readonly string[] =
  'run plan rollback resume promote pause abort watch status logs exec doctor composition schedule history report init inventory validate schema completion complete demo'.split(
    ' ',
  );

type LoadFile = (module: NodeJS.Module, path: string) => void;

/**
 * For a Node without `module.enableCompileCache`: keeps in `folder`, which nobody else can write to, what V8 has
 * compiled of the chunks beside this one. V8 refuses what another V8 or other flags have made.
 */
export function useCodeCache(folder: string, args: readonly string[]): void {
  // Node's types leave it out, as they do with everything that packages hook in by: the loaders by file name extension.
  const { _extensions: loaders } = nodeModule as unknown as { readonly _extensions: Record<string, LoadFile> };
  const loadAsEver = loaders['.js'];
  // Only Node's own loader reads source maps.
  if (loadAsEver === undefined || process.sourceMapsEnabled) return;

  const file = join(folder, fileName(args));
  const cache = new CodeCache(readOwn(file));
  loaders['.js'] = (module, path) => {
    if (dirname(path) === __dirname) cache.load(module, path);
    else loadAsEver(module, path);
  };
  process.once('exit', () => {
    if (cache.isIncomplete) writeWhole(file, cache.pack());
  });
}

/** The same for every installation: builds that come and go leave no files behind, each replaces what another kept. */
function fileName([command = '']: readonly string[]): string {
  const name = cachedCommands.includes(command) ? command : 'run';
  return `${name}-${process.version}-${process.arch}`;
}

/** Loads chunks from what was kept of them, and takes note of what was not. */
class CodeCache {
  readonly #kept: ReadonlyMap<string, CompiledChunk>;
  readonly #scripts = new Map<string, { readonly script: Script; readonly sourceCrc: number }>();
  isIncomplete = false;

  constructor(packed: Buffer | undefined) {
    this.#kept = (packed && unpackCode(packed)) ?? new Map<string, CompiledChunk>();
  }

  load(module: NodeJS.Module, path: string): void {
    const wrapped = readWrapped(path);
    const sourceCrc = crc32(wrapped);
    const name = basename(path);
    const kept = this.#kept.get(name);
    const cachedData = kept?.sourceCrc === sourceCrc ? kept.code : undefined;
    // The build writes nothing but ASCII.
    const script = new Script(wrapped.toString('latin1'), {
      filename: path,
      ...(cachedData === undefined ? {} : { cachedData }),
    });
    if (cachedData === undefined || script.cachedDataRejected === true) this.isIncomplete = true;
    this.#scripts.set(name, { script, sourceCrc });
    const run = script.runInThisContext() as ModuleFunction;
    run.call(module.exports, module.exports, (id) => module.require(id) as unknown, module, path, dirname(path));
  }

  /** With everything that has been called by now. */
  pack(): Buffer {
    return packCode(
      new Map(
        [...this.#scripts].map(([name, { script, sourceCrc }]) => [
          name,
          { sourceCrc, code: script.createCachedData() },
        ]),
      ),
    );
  }
}

type ModuleFunction = (
  this: unknown,
  exports: unknown,
  require: (id: string) => unknown,
  module: NodeJS.Module,
  __filename: string,
  __dirname: string,
) => void;

const head = Buffer.from('(function (exports, require, module, __filename, __dirname) { ');
const tail = Buffer.from('\n})');

/** A file's text in a function, as Node's own loader has it; joined before it is a text, for texts are long and copied. */
function readWrapped(path: string): Buffer {
  const file = openSync(path, constants.O_RDONLY);
  try {
    const { size } = fstatSync(file);
    const wrapped = Buffer.allocUnsafeSlow(head.length + size + tail.length);
    head.copy(wrapped);
    for (let read = 0; read < size;) {
      const more = readSync(file, wrapped, head.length + read, size - read, null);
      if (more === 0) throw new Error(`${path} has become shorter`);
      read += more;
    }
    tail.copy(wrapped, head.length + size);
    return wrapped;
  } finally {
    closeSync(file);
  }
}

/** Undefined where there is no such file, or others may have written to it. */
function readOwn(path: string): Buffer | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  try {
    const stats = fstatSync(file);
    return stats.isFile() && isOwn(stats) ? readFileSync(file) : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

/** Another process sees the old file or the new one, never a part. */
function writeWhole(path: string, bytes: Buffer): void {
  const written = `${path}.${process.pid}`;
  try {
    writeFileSync(written, bytes, { flag: 'wx', mode: 0o600 });
    renameSync(written, path);
  } catch {
    rmSync(written, { force: true });
  }
}
