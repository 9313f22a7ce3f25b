import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Host } from '../../../src/model/host.ts';
import { acquireLock, LockedError } from '../../../src/ssh/lock.ts';
import type { Remote } from '../../../src/ssh/remote.ts';
import { SshHome, systemClock } from '../../support/ssh-client.ts';

const local: Host = { name: 'h1', groups: [], vars: {}, connection: { kind: 'local' } };
const mine = { run: 'r1', user: 'ann', controller: 'laptop', since: Date.UTC(2026, 10, 21, 15, 4, 5) };
const hers = { ...mine, run: 'r2', user: 'bea' };

let home: SshHome;
let folder: string;
let remote: Remote;

beforeEach(async () => {
  home = await SshHome.create();
  folder = await mkdtemp(join(tmpdir(), 'rollout-lock-'));
  await chmod(folder, 0o1777);
  remote = await home.connector({ env: process.env }).connect(local);
});
afterEach(async () => {
  await home.close();
  await rm(folder, { recursive: true, force: true });
});

const lock = (holder = mine, waitMs = 0, folders = [folder]) =>
  acquireLock(remote, holder, waitMs, systemClock, { folders });

// The script needs flock and /proc: what a Linux host has.
describe.skipIf(process.platform !== 'linux')('the lock of a host', () => {
  test('turns a second run away, and says who holds it, since when', async () => {
    const held = await lock();
    const refusal: unknown = await lock(hers).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(LockedError);
    expect(refusal).toMatchObject({
      host: 'h1',
      run: 'r1',
      since: mine.since,
      holder: 'run r1 of ann from laptop, since 2026-11-21T15:04:05.000Z',
      message: 'h1 is locked by run r1 of ann from laptop, since 2026-11-21T15:04:05.000Z.',
    });
    await held.release();
  });

  test('is free as soon as it was released, and its file says nothing', async () => {
    await (await lock()).release();
    expect(await readFile(join(folder, 'rollout.lock'), 'utf8')).toBe('');
    await (await lock(hers)).release();
  });

  test('says when its run has all its hosts', async () => {
    const held = await lock();
    const refusal = (): Promise<unknown> => lock(hers).catch((error: unknown) => error);
    expect(await refusal()).toMatchObject({ run: 'r1', isGoingOn: false });
    held.goOn();
    await vi.waitFor(async () => expect(await refusal()).toMatchObject({ run: 'r1', isGoingOn: true }));
    await held.release();
  });

  test('brings what was asked for together with it, however much that is', async () => {
    const report = ['sh', '-c', 'seq 1 200000; echo dropped >&2; exit 3'];
    const held = await acquireLock(remote, mine, 0, systemClock, { folders: [folder], report });
    const lines = Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`).join('');
    expect(await held.report).toEqual({ exitCode: 3, stdout: lines });
    await held.release();
  });

  test('is free as soon as it was released, and what was asked for with it ends there', async () => {
    const report = ['sleep', '1000'];
    const held = await acquireLock(remote, mine, 0, systemClock, { folders: [folder], report });
    await held.release();
    await (await lock(hers)).release();
    expect((await held.report)?.exitCode).toBe(143);
  });

  test('ends what was asked for with it when the connection goes', async () => {
    const report = ['sleep', '1000'];
    const held = await acquireLock(remote, mine, 0, systemClock, { folders: [folder], report });
    await remote.close();
    expect((await held.report)?.exitCode).not.toBe(0);
  });

  test('is waited for', async () => {
    const held = await lock();
    const waiting = lock(hers, 10_000);
    await held.release();
    await (await waiting).release();
  });

  test('tells when the host lets go of it', async () => {
    const held = await lock();
    const connection = remote.close();
    expect((await held.lost).message).toMatch(/^the host let go of its lock/);
    await connection;
  });

  test('does not follow a link in its place', async () => {
    const target = join(folder, 'precious');
    await writeFile(target, 'precious');
    await symlink(target, join(folder, 'rollout.lock'));
    await expect(lock()).rejects.toThrow(`cannot be locked: ${folder}/rollout.lock is not a plain file.`);
    expect(await readFile(target, 'utf8')).toBe('precious');
  });

  test('is in the first folder that everyone can write', async () => {
    const closed = await mkdtemp(join(tmpdir(), 'rollout-lock-'));
    try {
      const held = await lock(mine, 0, [join(folder, 'missing'), closed, folder]);
      expect(await readFile(join(folder, 'rollout.lock'), 'utf8')).toContain('"run":"r1"');
      await held.release();
      await expect(lock(mine, 0, [closed])).rejects.toThrow(
        `cannot be locked: none of these folders is there and writable for everyone: ${closed}.`,
      );
    } finally {
      await rm(closed, { recursive: true });
    }
  });

  test('shows a holder that is no JSON as plain text, without control characters', async () => {
    const file = join(folder, 'rollout.lock');
    const held = await lock();
    await writeFile(file, '\u001b[2J\u0007gotcha\n');
    await expect(lock(hers)).rejects.toThrow('h1 is locked by [2J gotcha.');
    await held.release();
  });

  test('can be written by every user', async () => {
    await (await lock()).release();
    expect(execFileSync('stat', ['-c', '%a', join(folder, 'rollout.lock')], { encoding: 'utf8' })).toBe('666\n');
  });
});
