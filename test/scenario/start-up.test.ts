import { execFile } from 'node:child_process';
import { chmod, cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import * as nodeModule from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { cachedCommands } from '../../src/boot/code-cache.ts';

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

describe('a command line that names no command', () => {
  const said = async (...args: readonly string[]): Promise<string> => {
    const failed = run(process.execPath, [script, ...args]).then(() => ({ code: 0, stderr: '' }));
    const { code, stderr } = await failed.catch((error: unknown) => error as { code: number; stderr: string });
    return `${code} ${stderr.split('\n').slice(0, 2).join('')}`;
  };

  test.each([
    [['plna', 'x.yaml'], '2 rollout: there is no command plna  Did you mean: rollout plan x.yaml?'],
    [['histroy'], '2 rollout: there is no command and no playbook histroy  Did you mean: rollout history?'],
    [
      ['inventroy', '--list', '-i', 'h1,'],
      '2 rollout: there is no command inventroy  Did you mean: rollout inventory --list -i h1,?',
    ],
    [
      ['rolout'],
      '2 rollout: there is no command and no playbook rolout  That is the program itself: give it a playbook, or a command; rollout --help lists them.',
    ],
    [['rolout', 'x.yaml', '-C'], '2 rollout: there is no command rolout  Did you mean: rollout x.yaml -C?'],
    [['PLAN', 'x.yaml'], '2 rollout: there is no command PLAN  Did you mean: rollout plan x.yaml?'],
    [
      ['nosuchthing', 'a', 'b'],
      expect.stringMatching(
        /^2 rollout: there is no command nosuchthing {2}The commands are run, .*demo, help; rollout --help/,
      ),
    ],
    [['plan', 'x.yaml', '--limti', 'h1'], "2 rollout: unknown option '--limti'  Did you mean --limit?"],
    [['composition', 'nwe'], "2 rollout: unknown command 'nwe'  Did you mean new?"],
    [['missing.yaml'], '2 missing.yaml:1:1: this file cannot be read: there is no such file'],
  ])('rollout %j is told so', async (args, expected) => {
    expect(await said(...args)).toEqual(expected);
  });
});

describe('the compile cache', () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'rollout-home-'));
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const hasCache = 'enableCompileCache' in nodeModule;
  const history = (env: Readonly<Record<string, string>> = {}, tool = script) =>
    run(process.execPath, [tool, 'history'], {
      cwd: home,
      env: { PATH: process.env['PATH'], HOME: home, ...env },
    });

  test('lies in the home, for its owner only', async () => {
    expect((await history()).stdout).toBe('No runs yet.\n');
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
    expect((await history({ HOME: '' })).stdout).toBe('No runs yet.\n');
    expect(await readdir(home)).toEqual([]);
  });

  test('is done without where Node is told so', async () => {
    expect((await history({ NODE_DISABLE_COMPILE_CACHE: '1' })).stdout).toBe('No runs yet.\n');
    expect(await readdir(home)).toEqual([]);
  });

  describe.skipIf(hasCache)('of our own, for a Node without one', () => {
    /** The one file that a first start leaves. */
    const cacheFile = async (): Promise<string> => {
      await history();
      const folder = join(home, '.cache', 'rollout', 'compiled');
      const [name = ''] = await readdir(folder);
      return join(folder, name);
    };
    /** A file that is written again is another one. */
    const identity = async (file: string) => (await lstat(file)).ino;

    test('is used as it is: nothing of it is refused, and it is not written again', async () => {
      const file = await cacheFile();
      const { mode, ino } = await lstat(file);
      expect(mode & 0o777).toBe(0o600);
      expect((await history()).stdout).toBe('No runs yet.\n');
      expect(await identity(file)).toBe(ino);
    });

    test.each(cachedCommands)('%s has a file of its own, and what is no command is a run', async (command) => {
      await run(process.execPath, [script, command, '--help'], { cwd: home, env: { HOME: home } });
      const folder = join(home, '.cache', 'rollout', 'compiled');
      expect(await readdir(folder)).toEqual([expect.stringMatching(new RegExp(`^${command}-`))]);
    });

    test('there is one for every command', async () => {
      const { stdout } = await run(process.execPath, [script, '--help'], { cwd: home, env: { HOME: home } });
      const listed = [...stdout.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name);
      // `complete` is for shells, and not listed.
      expect(listed.filter((name) => name !== 'help')).toEqual(cachedCommands.filter((name) => name !== 'complete'));
    });

    test('that is damaged is not run and is replaced', async () => {
      const file = await cacheFile();
      const good = await readFile(file);
      const damaged = Buffer.from(good);
      damaged.writeUInt8(damaged.readUInt8(good.length - 9) ^ 1, good.length - 9);
      await writeFile(file, damaged);
      expect((await history()).stdout).toBe('No runs yet.\n');
      expect((await readFile(file)).equals(damaged)).toBe(false);
      await unchangedByTheNext(file);
    });

    test('that others can write to is not read, and is replaced by one that they cannot', async () => {
      const file = await cacheFile();
      await chmod(file, 0o666);
      expect((await history()).stdout).toBe('No runs yet.\n');
      expect((await lstat(file)).mode & 0o777).toBe(0o600);
      await unchangedByTheNext(file);
    });

    test('that is a link is not followed, and what it points at stays as it is', async () => {
      const file = await cacheFile();
      const elsewhere = join(home, 'elsewhere');
      await writeFile(elsewhere, await readFile(file), { mode: 0o600 });
      const before = await identity(elsewhere);
      await rm(file);
      await symlink(elsewhere, file);
      expect((await history()).stdout).toBe('No runs yet.\n');
      expect((await lstat(file)).isFile()).toBe(true);
      expect(await identity(elsewhere)).toBe(before);
    });

    test('of a bundle that has changed since is not run, even where the change is one of letters', async () => {
      const copy = join(home, 'copy');
      await cp(dirname(script), copy, { recursive: true });
      const said = async () => (await history({}, join(copy, 'rollout.js'))).stdout;
      expect(await said()).toBe('No runs yet.\n');
      for (const name of await readdir(copy)) {
        const text = await readFile(join(copy, name), 'utf8');
        await writeFile(join(copy, name), text.replaceAll('No runs yet.', 'No runs YET.'));
      }
      expect(await said()).toBe('No runs YET.\n');
    });

    async function unchangedByTheNext(file: string): Promise<void> {
      const before = await identity(file);
      await history();
      expect(await identity(file)).toBe(before);
    }
  });
});

/** The bundle's files that are loaded before its first statement runs. */
async function staticallyLoaded(entry: string): Promise<{ readonly text: string; readonly imports: string[] }[]> {
  const text = await readFile(entry, 'utf8');
  const imports = [...text.matchAll(/^(?:var \w+ = )?(?:__toESM\()?require\("([^"]+)"\)/gm)].map(
    ([, name = '']) => name,
  );
  const ours = imports.filter((name) => name.startsWith('./')).map((name) => join(dirname(entry), name));
  return [{ text, imports }, ...(await Promise.all(ours.map(staticallyLoaded))).flat()];
}
