import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { onTerminal } from '../support/on-terminal.ts';
import { startStage, type Stage } from './support/stage.ts';

const [ctrlS, ctrlQ] = ['\u0013', '\u0011'];

describe('a terminal on hold', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ hosts: 2 });
    await stage.deploy('1');
  });
  afterAll(() => stage.close());

  test('does not hold up the run: no node stays out of rotation, and what was not shown comes when it goes on', async () => {
    const file = await stage.playbook(await stage.app('2'));
    const terminal = onTerminal([process.execPath, inject('rolloutScript'), file], stage.cwd);
    await terminal.said('h1  updated in');
    terminal.type(ctrlS);
    await expect.poll(() => journalEnd(stage.cwd), { timeout: 60_000 }).toContain('"outcome":"changed"');
    expect(await stage.versions()).toEqual({ h1: '2', h2: '2' });
    expect(terminal.text()).not.toContain('2 updated');
    terminal.type(ctrlQ);
    expect(await terminal.exited).toBe(0);
    expect(terminal.text()).toMatch(/h2 +updated/);
  });
});

/** The last line of the newest run's journal. */
async function journalEnd(cwd: string): Promise<string> {
  const folder = join(cwd, '.rollout/runs');
  const newest =
    (await readdir(folder))
      .filter((name) => name.endsWith('.jsonl'))
      .sort()
      .at(-1) ?? '';
  return (await readFile(join(folder, newest), 'utf8')).trimEnd().split('\n').at(-1) ?? '';
}
