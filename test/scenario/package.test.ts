import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runRollout } from '../support/rollout.ts';
import { startStage, story, type Stage } from './support/stage.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

let prefix: string;
let stage: Stage;
const packageDir = (): string => join(prefix, 'lib', 'node_modules', 'rollout-ssh');

// As somebody would who has no checkout: the tarball, its dependencies, and nothing that only developers need.
beforeAll(async () => {
  prefix = await mkdtemp(join(tmpdir(), 'rollout-package-'));
  const packed = await run('npm', ['pack', '--json', '--pack-destination', prefix], { cwd: root });
  const filename = (JSON.parse(packed.stdout) as { filename: string }[]).map((entry) => entry.filename).join('');
  await run('npm', ['install', '--global', '--prefix', prefix, '--no-fund', '--no-audit', join(prefix, filename)], {
    cwd: prefix,
    env: { ...process.env, NODE_ENV: 'production' },
  });
  stage = await startStage({ hosts: 2 });
}, 180_000);

afterAll(async () => {
  await stage.close();
  await rm(prefix, { recursive: true, force: true });
});

test('the installed package has no developer dependency, and its command answers', async () => {
  const { stdout } = await run(join(prefix, 'bin', 'rollout'), ['--version']);
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  expect(stdout).toBe(`${manifest.version}\n`);
  await expect(readFile(join(packageDir(), 'node_modules', 'vitest', 'package.json'))).rejects.toThrow('ENOENT');
});

test('the installed package validates, plans and rolls out', async () => {
  const installed = { script: join(packageDir(), 'dist', 'rollout.js'), cwd: stage.cwd };
  const playbook = await stage.playbook(await stage.app('1'), {
    strategy: { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' },
  });
  const checked = await runRollout(['validate', playbook], installed);
  expect({ exitCode: checked.exitCode, stderr: checked.stderr }).toEqual({ exitCode: 0, stderr: '' });
  const planned = await runRollout(['plan', playbook, '--detailed-exitcode', '--output', 'plain'], installed);
  expect({ exitCode: planned.exitCode, stderr: planned.stderr }).toEqual({ exitCode: 10, stderr: '' });
  expect(planned.stdout).toContain('h1');
  const rolled = await runRollout([playbook, '--output', 'json'], installed);
  expect(story(rolled.events).at(-1)).toBe('changed, exit 0: h1 updated, h2 updated');
});

test('the demo runs from the installed package, and loses nothing', async () => {
  const { exitCode, stdout } = await runRollout(['demo', '--output', 'plain'], {
    script: join(packageDir(), 'dist', 'rollout.js'),
    cwd: prefix,
  });
  expect({ exitCode, lost: stdout.match(/\d+ lost/g) }).toEqual({ exitCode: 0, lost: ['0 lost', '0 lost'] });
});

test('the example of the manual runs from the installed package, and its types hold', async () => {
  const [, example = '', printed = ''] =
    /```js\n([\s\S]*?)```[\s\S]*?```\n([\s\S]*?)```/.exec(await readFile(join(root, 'docs/embedding.md'), 'utf8')) ??
    [];
  const file = join(prefix, 'lib', 'example.mjs');
  await writeFile(file, example);
  const { stdout } = await run(process.execPath, [file], { cwd: prefix });
  expect(stdout.split('\n').sort()).toEqual(printed.split('\n').sort());

  await copyFile(file, join(prefix, 'lib', 'example.mts'));
  const options = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--ignoreConfig',
    '--target',
    'es2023',
    '--module',
    'nodenext',
  ];
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')];
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...options, ...types, 'example.mts'], {
    cwd: join(prefix, 'lib'),
  });
});
