import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { mkdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Host } from '../../../src/model/host.ts';
import { acquireLock, mostKept, type KeptFile } from '../../../src/ssh/lock.ts';
import { userStateFolder } from '../../../src/ssh/lock-script.ts';
import { recall, recallCommand } from '../../../src/ssh/recall.ts';
import type { Remote } from '../../../src/ssh/remote.ts';
import { SshHome, systemClock } from '../../support/ssh-client.ts';

const local: Host = { name: 'h1', groups: [], vars: {}, connection: { kind: 'local' } };
const mine = { run: 'r1', user: 'ann', controller: 'laptop', since: 0 };

let home: SshHome;
let folder: string;
let state: string;
let remote: Remote;
beforeEach(async () => {
  home = await SshHome.create();
  folder = await mkdtemp(join(tmpdir(), 'rollout-kept-'));
  await chmod(folder, 0o1777);
  state = process.geteuid?.() === 0 ? join(folder, 'state') : join(folder, userStateFolder);
  remote = await home.connector({ env: { ...process.env, HOME: folder } }).connect(local);
});
afterEach(async () => {
  await home.close();
  await rm(folder, { recursive: true, force: true });
});

async function keep(...files: readonly KeptFile[]): Promise<'kept' | 'unkept'> {
  const options = { folders: [folder], ownFolder: '', stateFolder: state };
  const held = await acquireLock(remote, mine, 0, systemClock, options);
  let said: 'kept' | 'unkept' = 'kept';
  void held.unkept.then(() => (said = 'unkept'));
  held.goOn();
  for (const file of files) held.keep(file);
  await held.release();
  return said;
}
const run = (name: string, text = `{"run":"${name}"}`): KeptFile => ({ folder: 'runs', name: `${name}.json`, text });
async function recalled(prefix = '', most = 10): Promise<readonly string[]> {
  const { stdout } = await remote.exec(recallCommand({ folder: 'runs', prefix, most }, state));
  return stdout.split('\n').filter((line) => line !== '');
}

describe.skipIf(process.platform !== 'linux')('what runs keep on a host', () => {
  test('lies there for its user alone, whole, and is read again newest first', async () => {
    const odd = `{"a":"quotes \\" ' \\\\n $HOME \`id\` %s -n","b":"${'x'.repeat(9000)}"}`;
    expect(await keep(run('1'), run('3', odd), run('2'), run('3', odd))).toBe('kept');
    expect(await recalled()).toEqual([odd, '{"run":"2"}', '{"run":"1"}']);
    expect(await recalled('2')).toEqual(['{"run":"2"}']);
    expect(await recalled('', 1)).toEqual([odd]);
    expect((await stat(join(state, 'runs', '3.json'))).mode & 0o7777).toBe(0o600);
    expect((await stat(join(state, 'runs'))).mode & 0o7777).toBe(0o700);
    expect((await readFile(join(folder, 'rollout.lock'), 'utf8')).trim()).toBe('');
  });

  test('is nothing where there was no run', async () => {
    expect(await recalled()).toEqual([]);
    expect(await recall(remote, { folder: 'bad', prefix: 'absent', most: 3 })).toEqual([]);
  });

  test('is the last fifty of each folder, and what a run left half written goes', async () => {
    mkdirSync(join(state, 'runs'), { recursive: true });
    await writeFile(join(state, 'runs', '.kept.0.json'), '{"ha');
    const names = Array.from({ length: mostKept + 3 }, (_, index) => String(1000 + index));
    for (const name of names) await writeFile(join(state, 'runs', `${name}.json`), '{}\n');
    await keep(run('1052'), { folder: 'bad', name: '0001.json', text: '{}' });
    expect((await readdir(join(state, 'runs'))).sort()).toEqual(names.slice(3).map((name) => `${name}.json`));
    expect(await readdir(join(state, 'bad'))).toEqual(['0001.json']);
  });

  test('is no reason to fail where it cannot be written: the lock says so, and goes on', async () => {
    mkdirSync(state, { recursive: true });
    await writeFile(join(state, 'runs'), 'no folder');
    expect(await keep(run('1'))).toBe('unkept');
    expect(await recalled()).toEqual([]);
  });

  test('is not written or read through a link that somebody has put there', async () => {
    mkdirSync(join(folder, 'elsewhere'));
    mkdirSync(state, { recursive: true });
    symlinkSync(join(folder, 'elsewhere'), join(state, 'runs'));
    expect(await keep(run('1'))).toBe('unkept');
    expect(await readdir(join(folder, 'elsewhere'))).toEqual([]);
    await rm(join(state, 'runs'));
    await keep(run('2'));
    await writeFile(join(folder, 'elsewhere', 'x'), 'secret');
    symlinkSync(join(folder, 'elsewhere', 'x'), join(state, 'runs', '9.json'));
    expect(await recalled()).toEqual(['{"run":"2"}']);
  });

  test('has names and lines of its own: nothing else is sent', async () => {
    const held = await acquireLock(remote, mine, 0, systemClock, {
      folders: [folder],
      ownFolder: '',
      stateFolder: state,
    });
    expect(() => held.keep({ folder: 'runs', name: '../x', text: '{}' })).toThrow('cannot be kept');
    expect(() => held.keep({ folder: 'runs', name: 'x', text: '{}\n#runs y 1 {}' })).toThrow('cannot be kept');
    await held.release();
  });
});
