import { execFile } from 'node:child_process';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import * as nodeModule from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';

const run = promisify(execFile);
const script = inject('rolloutScript');
const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

describe('starting', () => {
  test('what stands before the first signal can be caught is small: nothing of ours and no package', async () => {
    const loaded = await staticallyLoaded(script);
    const bytes = loaded.reduce((sum, { text }) => sum + text.length, 0);
    expect(bytes).toBeLessThan(8000);
    expect(loaded.flatMap(({ imports }) => imports).filter((name) => !name.startsWith('./'))).toEqual(
      expect.not.arrayContaining([expect.not.stringMatching(/^node:/)]),
    );
  });

  test('--version says the version, as the command line parser would', async () => {
    expect((await run(process.execPath, [script, '--version'])).stdout).toBe(`${version}\n`);
    expect((await run(process.execPath, [script, '--version', 'run'])).stdout).toBe(`${version}\n`);
  });
});

describe('the compile cache', () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'rollout-home-'));
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const hasCache = 'enableCompileCache' in nodeModule;
  const history = (env: Readonly<Record<string, string>> = {}) =>
    run(process.execPath, [script, 'history'], {
      cwd: home,
      env: { PATH: process.env['PATH'], HOME: home, ...env },
    });

  test('lies in the home, for its owner only, where Node has one', async () => {
    expect((await history()).stdout).toBe('No runs yet.\n');
    if (!hasCache) {
      expect(await readdir(home)).toEqual([]);
      return;
    }
    const folder = join(home, '.cache', 'rollout', 'compiled');
    expect((await lstat(folder)).mode & 0o777).toBe(0o700);
    expect(await readdir(folder)).toHaveLength(1);
  });

  test('is not used where others can write', async () => {
    const folder = join(home, 'rollout', 'compiled');
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o777);
    expect((await history({ XDG_CACHE_HOME: home })).stdout).toBe('No runs yet.\n');
    expect(await readdir(folder)).toEqual([]);
  });

  test('is done without where there is no home to write to', async () => {
    expect((await history({ HOME: '/proc/none' })).stdout).toBe('No runs yet.\n');
  });
});

/** The bundle's files that are loaded before its first statement runs. */
async function staticallyLoaded(entry: string): Promise<{ readonly text: string; readonly imports: string[] }[]> {
  const text = await readFile(entry, 'utf8');
  const imports = [...text.matchAll(/^(?:import|export)\b[^;(]*?["']([^"']+)["'];$/gm)].map(([, name = '']) => name);
  const ours = imports.filter((name) => name.startsWith('./')).map((name) => join(dirname(entry), name));
  return [{ text, imports }, ...(await Promise.all(ours.map(staticallyLoaded))).flat()];
}
