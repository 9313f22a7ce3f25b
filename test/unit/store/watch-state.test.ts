import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nothingKnown, readWatchState, watchStateFile, writeWatchState } from '../../../src/store/watch-state.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rollout-watch-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const state = {
  tags: { 'r/app:dev': { digest: 'sha256:1', sinceMs: 5, isSettled: true } },
  bad: { 'sha256:2': { run: 'r1', atMs: 6 } },
  attempt: { run: 'r2', changes: [{ tag: 'r/app:dev', from: ['sha256:1'], to: 'sha256:3' }] },
};

test('what a watch knows is kept whole, for its owner alone, and each watch has its own', async () => {
  const file = watchStateFile(join(dir, 'runs'), { playbook: 'a' });
  expect(await readWatchState(file)).toEqual(nothingKnown);
  writeWatchState(file, state);
  writeWatchState(file, state);
  expect(await readWatchState(file)).toEqual(state);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(watchStateFile(join(dir, 'runs'), { playbook: 'b' })).not.toBe(file);
});

test('a file that is torn, of another version or empty says nothing; one that leads elsewhere is refused', async () => {
  const file = watchStateFile(join(dir, 'runs'), 'x');
  writeWatchState(file, state);
  const whole = await readFile(file, 'utf8');
  for (const text of [whole.slice(0, 40), '{"v":2,"state":{}}', '', 'null']) {
    await writeFile(file, text);
    expect(await readWatchState(file)).toEqual(nothingKnown);
  }
  await rm(file);
  await symlink('/etc/hostname', file);
  await expect(readWatchState(file)).rejects.toThrow(`${file} is a link`);
});
