import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sweepFilesCommand } from '../../../src/docker/sweep.ts';

let root = '';
let folder = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'rollout-sweep-'));
  folder = join(root, 'files');
});
afterEach(() => rm(root, { recursive: true }));

const id = 'c'.repeat(64);

/** A docker with one container, which mounts these files; `answers`: what it says instead to a command. */
async function docker(mounted: readonly string[], answers: Readonly<Record<string, string>> = {}): Promise<void> {
  const all = {
    ps: `echo ${id}`,
    info: 'echo 1',
    container: [id, ...mounted.map((name) => join(folder, name))].map((line) => `echo '${line}'`).join('; '),
    ...answers,
  };
  const cases = Object.entries(all).map(([command, answer]) => `${command}) ${answer} ;;`);
  await writeFile(join(root, 'docker'), `#!/bin/sh\ncase $1 in\n${cases.join('\n')}\nesac\n`);
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

test('a host without containers mounts nothing', async () => {
  await docker([], { ps: ':', info: 'echo 0' });
  await lay('app/old-1', 60);
  expect(await sweep()).toEqual([]);
});

// What is mounted must not be taken for unused because docker did not say so.
test.each([
  ['fails', { ps: 'exit 1' }],
  ['fails at the documents', { container: 'exit 1' }],
  ['prints half of the documents and fails', { container: `echo ${id}; exit 1` }],
  ['prints no container, though there is one', { ps: ':' }],
  ['prints half an id', { ps: 'echo cccccc' }],
  ['prints no document', { container: ':' }],
  ['counts more containers than it names', { info: 'echo 2' }],
  ['counts in words', { info: 'echo one' }],
  ['cannot count', { info: 'exit 1' }],
])('a docker that %s is no reason to remove anything', async (_, answers) => {
  await docker(['app/mounted-1'], answers);
  const all = ['app', 'app/failed-2', 'app/mounted-1', 'app/old-3'];
  for (const [at, name] of all.slice(1).entries()) await lay(name, 60 * at);
  expect(await sweep(['app/failed-2'])).toEqual(all);
});
