import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseLockPeek, withLockPeek } from '../../../src/ssh/lock-peek.ts';

let dir: string;
let shared: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rollout-peek-'));
  shared = join(dir, 'shared');
  mkdirSync(shared);
  chmodSync(shared, 0o1777);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const text = JSON.stringify({
  run: 'r1',
  user: 'alice',
  controller: 'laptop',
  host: 'h1',
  since: '2026-11-20T15:00:00.000Z',
});

/** What a real shell finds, with `echo answer` as the command. */
const peek = (...folders: readonly string[]) => {
  const [program = '', ...args] = withLockPeek(['echo', 'answer'], { folders, ownFolder: join(dir, 'own') });
  return parseLockPeek(execFileSync(program, args, { encoding: 'utf8' }));
};

/** The one of a machine itself: elsewhere the kernel does not list every lock. */
const firstNamespace = 'pid:[4026531836]';

/** How often a look asked with a lock of its own, which a run that starts at that moment would find. */
const locksTaken = (namespace: string): number => {
  const programs = join(dir, 'programs');
  mkdirSync(programs);
  const asked = join(dir, 'asked');
  writeFileSync(join(programs, 'flock'), `#!/bin/sh\necho asked >>'${asked}'\nexec /usr/bin/flock "$@"\n`, {
    mode: 0o755,
  });
  // These tests may themselves run in a container.
  writeFileSync(join(programs, 'readlink'), `#!/bin/sh\necho '${namespace}'\n`, { mode: 0o755 });
  const [program = '', ...args] = withLockPeek(['true'], { folders: [shared], ownFolder: join(dir, 'own') });
  execFileSync(program, args, { env: { ...process.env, PATH: `${programs}:${process.env['PATH']}` } });
  return existsSync(asked) ? readFileSync(asked, 'utf8').split('\n').length - 1 : 0;
};

/** Holds a file's lock until it is told to end. */
async function held<T>(file: string, work: () => T): Promise<T> {
  const holder = spawn('flock', ['-x', file, 'sh', '-c', 'echo held; cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  const ended = new Promise((resolve) => holder.once('close', resolve));
  try {
    return work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}

const ownPids = ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--mount-proc'] as const;
const canUnshare = spawnSync(ownPids[0], [...ownPids.slice(1), 'true']).status === 0;

describe.skipIf(!canUnshare)('on a host that is a container, whose kernel does not list the lock', () => {
  const peekThere = (first: string): string => {
    const peeking = withLockPeek(['echo', 'answer'], { folders: [shared], ownFolder: join(dir, 'own') });
    const [program, ...args] = [...ownPids, 'sh', '-c', `${first}; "$@"`, 'sh', ...peeking];
    return execFileSync(program, args, { encoding: 'utf8' });
  };

  test('a run that holds it is named: the process that took the lock has ended, its file is open still', () => {
    const file = join(shared, 'rollout.lock');
    writeFileSync(file, `${text}\n`);
    expect(parseLockPeek(peekThere(`exec 9<'${file}'; flock -x 9`))).toMatchObject({
      lock: { run: 'r1' },
      rest: 'answer\n',
    });
  });

  test('a text that a killed run has left is no lock', () => {
    writeFileSync(join(shared, 'rollout.lock'), `${text}\n`);
    expect(parseLockPeek(peekThere('true'))).toEqual({ lock: undefined, rest: 'answer\n' });
  });
});

test('a run that holds the lock is named, and the command is carried out', async () => {
  const file = join(shared, 'rollout.lock');
  writeFileSync(file, `${text}\n`);
  expect(await held(file, () => peek(join(dir, 'not there'), shared))).toEqual({
    lock: {
      holder: 'run r1 of alice from laptop, since 2026-11-20T15:00:00.000Z',
      run: 'r1',
      since: Date.parse('2026-11-20T15:00:00.000Z'),
    },
    rest: 'answer\n',
  });
  // Whoever looks leaves nothing behind.
  expect(peek(shared)).toEqual({ lock: undefined, rest: 'answer\n' });
});

test('where nobody holds it, a look takes no lock that a starting run could meet', () => {
  writeFileSync(join(shared, 'rollout.lock'), text);
  expect(locksTaken(firstNamespace)).toBe(0);
});

test('on a host that is a container a look asks, as its kernel may not list who holds it', () => {
  writeFileSync(join(shared, 'rollout.lock'), text);
  expect(locksTaken('pid:[4026532207]')).toBe(1);
});

test('where somebody holds it, a look asks once', async () => {
  const file = join(shared, 'rollout.lock');
  writeFileSync(file, text);
  expect(await held(file, () => locksTaken(firstNamespace))).toBe(1);
});

test("root's own lock counts before the one that all share", async () => {
  mkdirSync(join(dir, 'own'));
  const file = join(dir, 'own', 'rollout.lock');
  writeFileSync(file, text);
  writeFileSync(join(shared, 'rollout.lock'), text.replace('r1', 'r2'));
  expect((await held(file, () => peek(shared)))?.lock?.run).toBe('r1');
});

describe('nobody holds it', () => {
  test.each<[string, (file: string) => void]>([
    ['where there is no file', () => undefined],
    ['where the file is empty', (file) => writeFileSync(file, '')],
    ['where a killed run has left its text', (file) => writeFileSync(file, text)],
    ['where a pipe stands in its place', (file) => void execFileSync('mkfifo', [file])],
    ['where a link stands in its place', (file) => symlinkSync('/etc/hostname', file)],
    ['where a folder stands in its place', (file) => mkdirSync(file)],
  ])('%s', (_, prepare) => {
    prepare(join(shared, 'rollout.lock'));
    expect(peek(shared)).toEqual({ lock: undefined, rest: 'answer\n' });
  });
});

test('what somebody else writes there is quoted, cut, and no command to a terminal', async () => {
  const file = join(shared, 'rollout.lock');
  writeFileSync(file, `\u001b[2Jmine${'x'.repeat(5000)}\nsecond line`);
  const found = await held(file, () => peek(shared));
  expect(found?.rest).toBe('answer\n');
  expect(found?.lock?.holder).toMatch(/^somebody who writes "[ -~]{4,400}…?"$/);
});

test.each(['', 'Welcome!\nlock \n', 'lock', 'unlocked\n'])('an answer that begins otherwise is none: %j', (stdout) => {
  expect(parseLockPeek(stdout)).toBe(undefined);
});
