import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sweepFilesCommand } from '../../../src/docker/commands.ts';

let root = '';
let folder = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'rollout-sweep-'));
  folder = join(root, 'files');
});
afterEach(() => rm(root, { recursive: true }));

/** A docker whose containers mount these files; `fails`: one that cannot be asked. */
async function docker(mounted: readonly string[], fails = false): Promise<void> {
  const sources = mounted.map((name) => `echo '${join(folder, name)}'`).join('\n');
  const answer = fails ? 'exit 1' : `case $1 in ps) echo id ;; *) ${sources === '' ? ':' : `\n${sources}`} ;; esac`;
  await writeFile(join(root, 'docker'), `#!/bin/sh\n${answer}\n`);
  await chmod(join(root, 'docker'), 0o755);
}

async function lay(name: string, minutesOld: number): Promise<void> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, 'secret');
  const at = new Date(Date.now() - minutesOld * 60_000);
  await utimes(path, at, at);
}

async function sweep(own: readonly string[] = []): Promise<readonly string[]> {
  const [program = '', ...args] = sweepFilesCommand(
    folder,
    own.map((name) => join(folder, name)),
  );
  const env = { PATH: `${root}:${process.env['PATH'] ?? ''}` };
  await promisify(execFile)(program, args, { env }).catch(() => undefined);
  return (await readdir(folder, { recursive: true })).sort();
}

test('files of the failed version go at once; what is mounted, and what others have just written, stays', async () => {
  await docker(['app/kept-1', 'app/shared-2']);
  await lay('app/kept-1', 60);
  await lay('app/shared-2', 0);
  await lay('app/failed-3', 0);
  await lay("app/odd name'-4", 0);
  await lay('other/new-5', 0);
  await lay('other/old-6', 60);
  const own = ['app/failed-3', 'app/shared-2', "app/odd name'-4", 'app/never-written'];
  expect(await sweep(own)).toEqual(['app', 'app/kept-1', 'app/shared-2', 'other', 'other/new-5']);
});

test('without any of its own it removes only what is old, and empty folders with it', async () => {
  await docker([]);
  await lay('app/new-1', 0);
  await lay('other/old-2', 60);
  expect(await sweep()).toEqual(['app', 'app/new-1']);
});

test('a docker that does not answer is no reason to remove anything', async () => {
  await docker([], true);
  await lay('app/failed-1', 0);
  await lay('app/old-2', 60);
  expect(await sweep(['app/failed-1'])).toEqual(['app', 'app/failed-1', 'app/old-2']);
});
