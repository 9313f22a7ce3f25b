import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Host } from '../../../src/model/host.ts';
import { acquireLock, LockedError } from '../../../src/ssh/lock.ts';
import type { Remote } from '../../../src/ssh/remote.ts';
import { manualClock } from '../../support/manual-clock.ts';
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

/** As a user who is not root has it: in the folder that is everyone's. */
const lock = (holder = mine, waitMs = 0, folders = [folder]) =>
  acquireLock(remote, holder, waitMs, systemClock, { folders, ownFolder: '' });
const refusal = (taking: Promise<unknown>): Promise<unknown> => taking.catch((error: unknown) => error);

// The script needs flock and /proc: what a Linux host has.
describe.skipIf(process.platform !== 'linux')('the lock of a host', () => {
  test('turns a second run away, and says who holds it, since when', async () => {
    const held = await lock();
    const refused = await refusal(lock(hers));
    expect(refused).toBeInstanceOf(LockedError);
    expect(refused).toMatchObject({
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
    expect(await refusal(lock(hers))).toMatchObject({ run: 'r1', isGoingOn: false });
    held.goOn();
    await vi.waitFor(async () => expect(await refusal(lock(hers))).toMatchObject({ run: 'r1', isGoingOn: true }));
    await held.release();
  });

  test('brings what was asked for together with it, however much that is', async () => {
    const report = ['sh', '-c', 'seq 1 200000; echo dropped >&2; exit 3'];
    const held = await acquireLock(remote, mine, 0, systemClock, { folders: [folder], ownFolder: '', report });
    const lines = Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`).join('');
    expect(await held.takeReport()).toEqual({ exitCode: 3, stdout: lines });
    await held.release();
  });

  test('gives what came together with it once, and keeps none of it while it is held', async () => {
    const report = ['seq', '3'];
    const held = await acquireLock(remote, mine, 0, systemClock, { folders: [folder], ownFolder: '', report });
    expect([await held.takeReport(), await held.takeReport()]).toEqual([
      { exitCode: 0, stdout: '1\n2\n3\n' },
      undefined,
    ]);
    await held.release();
  });

  test('is free as soon as it was released, and what was asked for with it ends there', async () => {
    const report = ['sleep', '1000'];
    const held = await acquireLock(remote, mine, 0, systemClock, { folders: [folder], ownFolder: '', report });
    await held.release();
    await (await lock(hers)).release();
    expect((await held.takeReport())?.exitCode).toBe(143);
  });

  test('ends what was asked for with it when the connection goes', async () => {
    const report = ['sleep', '1000'];
    const held = await acquireLock(remote, mine, 0, systemClock, { folders: [folder], ownFolder: '', report });
    await remote.close();
    expect((await held.takeReport())?.exitCode).not.toBe(0);
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
    await expect(lock()).rejects.toThrow(
      `cannot be locked: ${folder}/rollout.lock is a link, made by user root; remove it on the host.`,
    );
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
    await expect(lock(hers)).rejects.toThrow('h1 is locked by somebody who writes "[2J gotcha".');
    await held.release();
  });

  test('can be written by every user', async () => {
    await (await lock()).release();
    expect(execFileSync('stat', ['-c', '%a', join(folder, 'rollout.lock')], { encoding: 'utf8' })).toBe('666\n');
  });

  test('names who has it as the kernel knows him, whatever stands in the file, and what to type', async () => {
    const file = join(folder, 'rollout.lock');
    await writeFile(file, `{"run":"r9\\u001b[2J","user":"root","controller":"${'x'.repeat(500)}"}\n`, { mode: 0o666 });
    const evil = await holdAs('nobody', file);
    const refused = await refusal(lock());
    expect(refused).toMatchObject({
      message: `h1 is locked by run r9 [2J of root from ${'x'.repeat(80)}.`,
      hint: `On h1 process ${evil.pid} of user nobody holds ${file}. If that is no run of rollout, end it there: kill ${evil.pid}`,
    });
    await evil.end();
    // The flock that took it has ended: the kernel's own table names nobody that lives.
    const held = await lock();
    expect(await refusal(lock(hers))).toMatchObject({
      hint: expect.stringMatching(/^On h1 process \d+ of user root holds/) as string,
    });
    await held.release();
  });

  test.each([
    ['a pipe', (file: string) => execFileSync('mkfifo', [file]), 'is a pipe, made by user root; remove it on the host'],
    [
      'a folder',
      (file: string) => execFileSync('mkdir', [file]),
      'is no plain file, made by user root; remove it on the host',
    ],
    [
      'a dead link',
      (file: string) => execFileSync('ln', ['-s', '/nowhere', file]),
      'is a link, made by user root; remove it on the host',
    ],
    [
      'a link to a device',
      (file: string) => execFileSync('ln', ['-s', '/dev/zero', file]),
      'is a link, made by user root; remove it on the host',
    ],
  ])('is not waited for where %s is in its place', async (_, make, words) => {
    const file = join(folder, 'rollout.lock');
    make(file);
    await expect(lock()).rejects.toThrow(`cannot be locked: ${file} ${words}.`);
  });

  describe('for root', () => {
    const own = () => join(folder, 'own');
    const asRoot = (holder = mine, waitMs = 0) =>
      acquireLock(remote, holder, waitMs, systemClock, { folders: [folder], ownFolder: own() });

    test('is in a folder of its own, and in everyone’s besides', async () => {
      const held = await asRoot();
      expect(execFileSync('stat', ['-c', '%a %U', own()], { encoding: 'utf8' })).toBe('700 root\n');
      for (const file of [join(own(), 'rollout.lock'), join(folder, 'rollout.lock')])
        expect(await readFile(file, 'utf8')).toContain('"run":"r1"');
      for (const take of [asRoot, lock]) expect(await refusal(take(hers))).toMatchObject({ run: 'r1' });
      await held.release();
      await (await lock(hers)).release();
      for (const file of [join(own(), 'rollout.lock'), join(folder, 'rollout.lock')])
        expect(await readFile(file, 'utf8')).toBe('');
    });

    test('gives way to a run of another user', async () => {
      const held = await lock();
      expect(await refusal(asRoot(hers))).toMatchObject({ run: 'r1' });
      await held.release();
      await (await asRoot(hers)).release();
    });

    test.each([
      ['a pipe', (file: string) => execFileSync('mkfifo', ['-m', '666', file])],
      ['a link', (file: string) => execFileSync('ln', ['-s', '/dev/zero', file])],
    ])('is to be had where somebody put %s in everyone’s folder', async (_, make) => {
      make(join(folder, 'rollout.lock'));
      await (await asRoot()).release();
    });

    test('is not in a folder that somebody else has made', async () => {
      execFileSync('install', ['-d', '-o', 'nobody', own()]);
      const held = await asRoot();
      expect(await refusal(lock(hers))).toMatchObject({ run: 'r1' });
      await held.release();
    });
  });

  test('that is released ends though its script is stopped', async () => {
    const held = await lock();
    const pid = execFileSync('pgrep', ['-f', `rollout-lock 0 .*${folder}`], { encoding: 'utf8' })
      .trim()
      .split('\n');
    for (const each of pid) process.kill(Number(each), 'SIGSTOP');
    await held.release();
    for (const each of pid) tryKill(Number(each));
  });
});

test.each([
  ['nothing', ''],
  ['noise without end', 'x'.repeat(100_000)],
])('a host that answers %s is given up, and the file is named', async (_, text) => {
  const clock = manualClock(0);
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const hanging: Remote = {
    host: 'h1',
    exec: () => Promise.reject(new Error('not here')),
    spawn: () =>
      Promise.resolve({ stdin, stdout, stderr, exited: new Promise(() => undefined), close: () => undefined }),
    attach: () => Promise.reject(new Error('not here')),
    openTcp: () => Promise.reject(new Error('not here')),
    closed: new Promise(() => undefined),
    close: () => Promise.resolve(),
  };
  stdout.write(text);
  const taking = acquireLock(hanging, mine, 0, clock);
  const failed = expect(taking).rejects.toThrow(
    text === '' ? "the lock's script has not answered within 30 s." : `cannot be locked: ${'x'.repeat(300)}.`,
  );
  await new Promise((resolve) => setImmediate(resolve));
  await clock.advanceTo(30_000);
  await failed;
});

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/** Another user's process that has the lock. */
async function holdAs(user: string, file: string): Promise<{ readonly pid: number; end(): Promise<void> }> {
  const child = spawn(
    'setpriv',
    ['--reuid', user, '--clear-groups', 'flock', file, 'sh', '-c', 'echo held; read -r _'],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  await once(child.stdout, 'data');
  return {
    pid: child.pid ?? 0,
    async end() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
