import { execFile, spawn, spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { pullCommand } from '../../../src/docker/commands.ts';
import { PullReader, sumOfPull } from '../../../src/docker/pull-output.ts';
import { readRecording, recordedDockers, recordedLayers } from '../../support/recorded.ts';

const hasScript = String(spawnSync('script', ['--version']).stdout).includes('util-linux');
/** On a system without it docker is run as it is, whatever it prints: those tests run everywhere. */
const testAtTerminal = test.skipIf(!hasScript && process.env['CI'] !== 'true');

interface Pulled {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What docker saw, once for each time that it was started. */
  readonly started: string;
}

/** A folder with node in docker's place, and an environment in which it is found first. */
async function standIn(): Promise<{ readonly cwd: string; readonly env: NodeJS.ProcessEnv }> {
  const cwd = await mkdtemp(join(tmpdir(), 'rollout-told-'));
  onTestFinished(() => rm(cwd, { recursive: true, force: true }));
  await mkdir(join(cwd, 'bin'));
  await symlink(process.execPath, join(cwd, 'bin/docker'));
  const path = `${join(cwd, 'bin')}:${process.env['PATH'] ?? ''}`;
  return { cwd, env: { ...process.env, PATH: path, SHELL: '/bin/false' } };
}

/**
 * The script with node in docker's place, which is no script either: it runs `pull` of the working folder. `programs`
 * stand before those of the machine.
 */
async function pull(
  { print, stderr = '', exitCode = 0 }: { print: string; stderr?: string; exitCode?: number },
  programs: Readonly<Record<string, string>> = {},
): Promise<Pulled> {
  const { cwd, env } = await standIn();
  for (const [name, text] of Object.entries(programs)) {
    await rm(join(cwd, 'bin', name), { force: true });
    await writeFile(join(cwd, 'bin', name), text.replaceAll('@node', process.execPath));
    await chmod(join(cwd, 'bin', name), 0o755);
  }
  await writeFile(join(cwd, 'print'), print);
  await writeFile(
    join(cwd, 'pull'),
    `const fs = require('node:fs');
    let asked = 'a terminal to ask at';
    try { fs.openSync('/dev/tty', 'r'); } catch { asked = 'nobody to ask'; }
    const stdin = fs.readFileSync(0).length;
    const to = process.stdout.isTTY ? 'a terminal' : 'a pipe';
    fs.appendFileSync('started', [process.argv.slice(2).join(' '), to, asked, stdin].join(', ') + '\\n');
    process.stdout.write(fs.readFileSync('print'));
    process.stderr.write(${JSON.stringify(stderr)});
    process.exitCode = ${exitCode};`,
  );
  const [program = '', ...args] = pullCommand('shop/app:1.4', 'linux/arm64');
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { cwd, env }, (error, stdout, said) => {
      const code = error === null ? 0 : Number(error.code);
      readFile(join(cwd, 'started'), 'utf8').then(
        (started) => resolve({ exitCode: code, stdout, stderr: said, started }),
        reject,
      );
    });
    child.stdin?.end('secret\n');
  });
}

const words = '--platform=linux/arm64 -- shop/app:1.4';
const refusal = 'Error response from daemon: unauthorized: authentication required\n';

testAtTerminal.each(recordedDockers)(
  'of docker %s at its terminal whole lines are left, and their sum is the same',
  async (docker) => {
    const print = await readRecording(docker, 'pull-terminal.txt');
    const { stdout, ...rest } = await pull({ print });
    expect(rest).toEqual({ exitCode: 0, stderr: '', started: `${words}, a terminal, nobody to ask, 0\n` });
    expect([stdout.includes('\x1b'), stdout.includes('\r'), stdout.includes('rollout-')]).toEqual([
      false,
      false,
      false,
    ]);
    expect(stdout.length).toBeLessThan(print.length / 2);
    const reader = new PullReader();
    reader.read(Buffer.from(stdout));
    const bytes = [...recordedLayers.values()].reduce((sum, each) => sum + each, 0);
    expect(sumOfPull(reader.layers, recordedLayers)).toEqual({
      layers: { total: 4, fetched: 4, unpacked: 4 },
      bytes: { done: bytes, total: bytes },
    });
  },
);

testAtTerminal(
  'a pull that fails ends with its own code and its own words, behind a line without an end too',
  async () => {
    expect(
      await pull({ print: '\x1b[1A\x1b[2K\r0123456789ab: Waiting \r\x1b[1B', stderr: refusal, exitCode: 3 }),
    ).toEqual({
      exitCode: 3,
      stdout: '0123456789ab: Waiting \n',
      stderr: refusal,
      started: `${words}, a terminal, nobody to ask, 0\n`,
    });
  },
);

test.each([
  ['another program is called script', { script: '#!/bin/sh\necho "usage: script [-aq] file" >&2\nexit 1\n' }],
  ['script is too old to be known', { script: '#!/bin/sh\necho "script from util-linux 2.23.2"\n' }],
  [
    'no terminal can be opened',
    {
      script:
        '#!/bin/sh\n[ "$1" = --version ] && { echo "script from util-linux 2.38.1"; exit; }\n' +
        'echo "script: failed to create pseudo-terminal" >&2\nexit 1\n',
    },
  ],
  ['a terminal cannot be set up', { stty: '#!/bin/sh\nexit 1\n' }],
  ['docker is a script itself', { docker: '#!/bin/sh\nexec @node "$@"\n' }],
])('where %s docker is started once, as ever', async (_, programs) => {
  const print = '1.4: Pulling from shop/app\n0123456789ab: Pull complete\n';
  expect(await pull({ print, stderr: refusal, exitCode: 1 }, programs)).toEqual({
    exitCode: 1,
    stdout: print,
    stderr: refusal,
    started: expect.stringMatching(/^--platform=linux\/arm64 -- shop\/app:1\.4, a pipe, [^,]+, \d+\n$/) as string,
  });
});

testAtTerminal('a pull whose reader is gone ends with its next line', async () => {
  const { cwd, env } = await standIn();
  await writeFile(
    join(cwd, 'pull'),
    `require('node:fs').writeFileSync('pid', String(process.pid));
    let done = 0;
    setInterval(() => console.log('0123456789ab: Extracting ' + (done += 1) + ' s\\n' + done.toString(16).padStart(12, '0') + ': Waiting'), 20);`,
  );
  const [program = '', ...args] = pullCommand('shop/app:1.4');
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const pid = Number(await readFile(join(cwd, 'pid'), 'utf8'));
  child.stdout.destroy();
  await ended;
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), 10_000);
});
