import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import type { ExecOptions, ExecResult } from '../../../../src/ssh/remote.ts';
import { keepOutput } from '../../../../src/engine/keep-output.ts';
import { fetchModule } from '../../../../src/task/modules/fetch.ts';
import { unarchiveModule } from '../../../../src/task/modules/unarchive.ts';
import { archivePrograms, installPrograms } from '../../../support/apt-get.ts';
import { localInventory, localPlaybook, runLocally, type LocalRun } from '../../../support/local-tasks.ts';

// unarchive and fetch, carried out on this machine, with archives and names that somebody hostile has made.
installPrograms(archivePrograms);
const folder = mkdtempSync(join(tmpdir(), 'rollout-archives-'));
const archives = new URL('../../../cases/tasks/archives/', import.meta.url).pathname;
const at = (...names: readonly string[]): string => join(folder, ...names);

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(at('dest'), { recursive: true });
  writeFileSync(at('hosts.yaml'), localInventory);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function ran(task: Readonly<Record<string, unknown>>, mode: 'run' | 'check' = 'run'): Promise<LocalRun> {
  writeFileSync(at('playbook.yaml'), localPlaybook([{ ...task, register: 'out', ignore_errors: true }]));
  const options = { playbook: 'playbook.yaml', inventories: [], extraVars: [], tags: [], skipTags: [], become: false };
  return runLocally({ ...options, env: { PATH: process.env['PATH'] }, cwd: folder }, mode);
}

async function resultOf(task: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>> {
  return (await ran(task)).values.get('out') as Readonly<Record<string, unknown>>;
}

const unpack = (name: string, more: object = {}): Promise<Readonly<Record<string, unknown>>> =>
  resultOf({ unarchive: { src: join(archives, name), dest: at('dest'), ...more } });

test.each([
  ['evil-dotdot.tar.gz', '../evil leads out of the folder'],
  ['evil-deep.tar.gz', 'a/b/../../../evil leads out of the folder'],
  ['evil-link.tar.gz', 'out/rollout-evil lies below the symbolic link out'],
  ['evil-link-late.tar.gz', 'out/./rollout-evil lies below the symbolic link out'],
  ['evil-newline.tar.gz', 'a name in it has a line break'],
  ['evil.zip', '../evil leads out of the folder'],
  ['evil-link.zip', 'out/rollout-evil lies below the symbolic link out'],
])('%s is refused before anything is written', async (name, why) => {
  for (const more of [{}, { remote_src: true }])
    expect(await unpack(name, more)).toMatchObject({
      changed: false,
      failed: true,
      msg: `the archive is refused: ${why}`,
    });
  expect([readdirSync(at('dest')), existsSync(at('evil')), existsSync('/tmp/rollout-evil')]).toEqual([
    [],
    false,
    false,
  ]);
});

test('a hard link stays in the folder, and what a link on the host leads out of is refused', async () => {
  expect(await unpack('evil-hard.tar.gz')).toMatchObject({ failed: true });
  mkdirSync(at('outside'));
  symlinkSync('../outside', at('dest', 'sub'));
  expect(await unpack('into-link.tar.gz')).toMatchObject({
    failed: true,
    msg: `the archive is refused: the link ${at('dest', 'sub')} leads out of ${at('dest')}`,
  });
  expect([readdirSync(at('dest')), readdirSync(at('outside'))]).toEqual([['sub'], []]);
  // A link that stays inside is followed, as tar follows it.
  rmSync(at('dest', 'sub'));
  mkdirSync(at('dest', 'real'));
  symlinkSync('real', at('dest', 'sub'));
  expect(await unpack('into-link.tar.gz')).toMatchObject({ changed: true, failed: false });
  expect(readFileSync(at('dest', 'real', 'inner.txt'), 'utf8')).toBe('new\n');
});

test.each(['cut.tar.gz', 'cut.zip'])('%s is found damaged before anything is written', async (name) => {
  expect(await unpack(name)).toMatchObject({ changed: false, failed: true });
  expect(readdirSync(at('dest'))).toEqual([]);
});

test.each(['good.tar.gz', 'good.tar.zst', 'good.zip'])(
  '%s: what was changed by hand is seen in the diff, and put right',
  async (name) => {
    const task = { unarchive: { src: join(archives, name), dest: at('dest') } };
    const lines = async (): Promise<readonly string[]> => (await ran(task, 'check')).reports[0]?.diff ?? [];
    expect((await lines()).filter((line) => line.startsWith('+')).slice(1)).toHaveLength(6);
    expect(await resultOf(task)).toMatchObject({ changed: true });
    expect([await lines(), await resultOf(task)]).toEqual([[], expect.objectContaining({ changed: false })]);
    // Its size and its time are the same, and what is in it is not.
    const file = at('dest', 'top', 'a.txt');
    const { mtime } = statSync(file);
    writeFileSync(file, 'x\n');
    spawnSync('touch', ['-d', mtime.toISOString(), file]);
    chmodSync(at('dest', 'top', 'dir', 'b.sh'), 0o700);
    expect(
      (await lines())
        .filter((line) => line.startsWith('+'))
        .slice(1)
        .sort(),
    ).toEqual([
      '+top/a.txt: Contents differ',
      ...(process.getuid?.() === 0 || name.endsWith('zip') ? ['+top/dir/b.sh: Mode differs'] : []),
    ]);
    expect(await resultOf(task)).toMatchObject({ changed: true });
    expect(readFileSync(file, 'utf8')).toBe('a\n');
    expect(await resultOf(task)).toMatchObject({ changed: false });
  },
);

test('list_files names what is in it; a file that stands in the way of a folder is a failure with what tar says', async () => {
  expect(await unpack('good.tar.gz', { list_files: true, extra_opts: ['--strip-components', '1'] })).toMatchObject({
    files: ['a.txt', 'dir', 'dir/b.sh', expect.stringContaining('dir/'), 'link'],
  });
  rmSync(at('dest'), { recursive: true });
  mkdirSync(at('dest'));
  mkdirSync(at('dest', 'top', 'a.txt', 'full'), { recursive: true });
  expect(await unpack('good.tar.gz')).toMatchObject({
    failed: true,
    msg: expect.stringContaining('failed to unpack') as string,
  });
});

test.each<readonly [string, object, string]>([
  ['an address', { src: 'https://example.com/a.tgz', remote_src: true }, 'is fetched with get_url first'],
  ['include and exclude', { src: 'a', include: ['x'], exclude: ['y'] }, 'must have include or exclude, and not both'],
  ['an option of tar', { src: 'a', extra_opts: ['--to-command=sh'] }, 'must be --strip-components=NUMBER'],
  ['an absolute-names option', { src: 'a', extra_opts: ['-P'] }, 'must be --strip-components=NUMBER'],
  ['a name that is an option', { src: 'a', include: ['--to-command=sh'] }, 'must be names, none with a - in front'],
  ['keep_newer', { src: 'a', keep_newer: true }, 'keep_newer'],
])('unarchive with %s is an error that says so', (_, params, words) => {
  const { success, error } = unarchiveModule.schema.safeParse({ dest: '/opt', ...params });
  expect([success, error?.message]).toEqual([false, expect.stringContaining(words)]);
});

test.each<readonly [string, object]>([
  ['a path that climbs', { src: '/../../../../tmp/x/../../etc/hostname', dest: 'got/' }],
  ['two dots as the name', { src: '/etc/..', dest: 'got/', flat: true }],
])('fetch: %s never leads out of dest', async (_, params) => {
  const result = await resultOf({ fetch: params });
  expect(result).toMatchObject({ changed: false, failed: true });
  expect(readdirSync(folder).sort()).toEqual(['dest', 'hosts.yaml', 'playbook.yaml']);
});

test('fetch: names with quotes, blanks and what a shell would run are names', async () => {
  const name = `it's "a" $(touch pwned) \`id\`; x\n-ü`;
  writeFileSync(at('dest', name), 'content\n');
  expect(await resultOf({ fetch: { src: at('dest', name), dest: 'got/', flat: true } })).toMatchObject({
    changed: true,
  });
  expect([readdirSync(at('got')), readFileSync(at('got', name), 'utf8')]).toEqual([[name], 'content\n']);
});

test('fetch: bytes that are no text come as they are, 5 MiB of them', async () => {
  const bytes = Buffer.alloc(5 << 20, Buffer.from(Array.from({ length: 256 }, (__, index) => index)));
  writeFileSync(at('dest', 'binary'), bytes);
  const task = { fetch: { src: at('dest', 'binary'), dest: at('got', 'binary'), flat: true } };
  expect(await resultOf(task)).toMatchObject({ changed: true, size: bytes.length });
  expect(readFileSync(at('got', 'binary')).equals(bytes)).toBe(true);
  expect(await resultOf(task)).toMatchObject({ changed: false });
});

test('fetch takes an absolute path only', () => {
  const { success, error } = fetchModule.schema.safeParse({ src: 'etc/hostname', dest: 'x' });
  expect([success, error?.message]).toEqual([false, expect.stringContaining('must be an absolute path')]);
});

/** A host that prints these pieces, and ends so. */
const host =
  (pieces: readonly Buffer[], exitCode = 0, stderr = '') =>
  (options: ExecOptions): Promise<ExecResult> => {
    for (const piece of pieces) options.onOutput?.(piece, 'stdout');
    options.signal?.throwIfAborted();
    return Promise.resolve({ exitCode, stdout: '', stderr, durationMs: 0 });
  };

test('a host that sends more than the limit, or other than it says, leaves nothing behind, and what was there stays', async () => {
  const path = at('kept', 'file');
  mkdirSync(dirname(path));
  writeFileSync(path, 'before');
  const how = { path, isPrivate: true, mostBytes: 1000, check: () => undefined };
  const chunks = Array.from({ length: 11 }, () => Buffer.alloc(100));
  await expect(keepOutput(host(chunks), how)).rejects.toThrow('the host sends more than 1000 bytes');
  const refuse = (): never => {
    throw new Error('checksum mismatch');
  };
  await expect(keepOutput(host(chunks.slice(1)), { ...how, check: refuse })).rejects.toThrow('checksum mismatch');
  expect([readdirSync(at('kept')), readFileSync(path, 'utf8')]).toEqual([['file'], 'before']);
  expect(await keepOutput(host([Buffer.from('af'), Buffer.from('ter')]), how)).toEqual({
    bytes: 5,
    checksum: '405906c9d5be6ae5393ca65fb0e7c38e0d585ecb',
  });
});
