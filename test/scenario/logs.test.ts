import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { manualBlock } from '../support/manual-blocks.ts';
import { startStage, type Stage } from './support/stage.ts';

let stage: Stage;
let file: string;
beforeAll(async () => {
  stage = await startStage({ hosts: 2 });
  file = await stage.playbook(await stage.deploy('1'));
});
afterAll(() => stage.close());

const textsOf = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/\d{4}-\S+Z /, ''));

test('the logs of a service on all hosts, each line with whose it is', async () => {
  const { exitCode, stdout, stderr } = await stage.plain('logs', file, 'app');
  expect({ exitCode, stderr, lines: textsOf(stdout).toSorted() }).toEqual({
    exitCode: 0,
    stderr: '',
    lines: ['h1 app |', 'h2 app |'].flatMap((name) => [
      `${name} app: listening on port 8080`,
      `${name} app: starting version 1`,
    ]),
  });
});

test('the page of the manual shows what is printed', async () => {
  const { stdout } = await stage.plain('logs', file, 'app', '--grep', 'listening');
  const withoutTimes = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/\d{4}-\S+Z app: /, ''));
  expect(`${withoutTimes.toSorted().join('\n')}\n`).toBe(manualBlock('docs/operating.md', 'h1 app'));
});

test('--grep, --tail, one host, as JSON', async () => {
  const { exitCode, stdout } = await stage.rollout('logs', file, '-l', 'h2', '--grep', 'listen', '--tail', '1');
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { host: string; service: string });
  expect({ exitCode, who: lines.map(({ host, service }) => `${host} ${service}`).toSorted() }).toEqual({
    exitCode: 0,
    who: ['h2 app', 'h2 health'],
  });
});

test('-f goes on through a restart, shows nothing twice, and Ctrl-C ends it with 0', async () => {
  const running = stage.start('logs', '-f', file, 'app', '-l', 'h1');
  const said = (wanted: string, times: number) =>
    new Promise<void>((resolve) => {
      let count = 0;
      running.process.stdout?.on('data', (chunk: Buffer) => {
        count += chunk.toString().split(wanted).length - 1;
        if (count >= times) resolve();
      });
    });
  const restarted = said('listening', 2);
  await said('listening', 1);
  await stage.fleet.docker('h1', ['restart', 'app']);
  await restarted;
  running.process.kill('SIGINT');
  const { exitCode, stdout } = await running.finished;
  const texts = stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { text: string }).text.replace(/^\S+ app: /, ''));
  expect({ exitCode, texts }).toEqual({
    exitCode: 0,
    texts: [
      'starting version 1',
      'listening on port 8080',
      'stopping: finishing open requests',
      'stopped',
      'starting version 1',
      'listening on port 8080',
    ],
  });
});

test('a service that there is not is said with the one that was meant; a time that is none is refused', async () => {
  const unknown = await stage.plain('logs', file, 'ap');
  expect({ exitCode: unknown.exitCode, stderr: unknown.stderr }).toEqual({
    exitCode: 2,
    stderr: 'rollout: the plays have no service ap\n  did you mean app?\n',
  });
  const { exitCode, stderr } = await stage.plain('logs', file, '--since', 'yesterday');
  expect({ exitCode, first: stderr.split('\n')[0] }).toEqual({
    exitCode: 2,
    first:
      "rollout: option '--since <time>' argument 'yesterday' is invalid. wanted a duration such as 10m or a time such as 2026-11-27T13:00:00Z, got yesterday.",
  });
});

test('a container that is gone and a host that is down are told of, the others are heard: exit code 4', async () => {
  await stage.fleet.docker('h1', ['rm', '-f', 'app']);
  await stage.fleet.hostDown('h2');
  const { exitCode, stdout, stderr } = await stage.plain('logs', file, '--tail', '1');
  expect({ exitCode, lines: textsOf(stdout) }).toEqual({
    exitCode: 4,
    lines: ['h1 health | app: listening on port 8080'],
  });
  expect(
    stderr
      .replace(/127\S+ port \d+/g, 'ADDRESS')
      .split('\n')
      .toSorted(),
  ).toEqual(['', 'h1: there is no container app here.', 'h2: ADDRESS cannot be reached: connection refused.']);
});

test('where the plays have no host that is said, by status and doctor too', async () => {
  const inventory = join(stage.cwd, 'empty.yaml');
  await writeFile(inventory, 'web: { hosts: {} }\n');
  const said = async (command: string) => {
    const { exitCode, stdout, stderr } = await stage.plain(command, file, '-i', inventory);
    return { exitCode, stdout, stderr };
  };
  expect(await said('logs')).toEqual({
    exitCode: 2,
    stdout: '',
    stderr:
      'rollout: there is nothing to hear: the plays have no service on any host\n' +
      '  look at the groups that they name: rollout inventory -i FILE --graph\n',
  });
  expect(await said('status')).toEqual({
    exitCode: 0,
    stdout: 'web tier: no hosts: the groups that it names are empty\n',
    stderr: '',
  });
  expect(await said('doctor')).toEqual({
    exitCode: 0,
    stdout:
      '! plan: the groups that the plays name have no host\n' +
      '    Look at what the inventory holds: rollout inventory -i FILE --graph\n' +
      '0 hosts examined: 0 errors, 1 warning\n',
    stderr: '',
  });
});

test('where nothing runs yet that is said once for all hosts', async () => {
  await stage.fleet.hostUp('h2');
  for (const host of ['h1', 'h2'] as const) {
    for (const name of (await stage.fleet.docker(host, ['ps', '-a', '--format', '{{.Names}}'])).trim().split('\n'))
      if (name !== '') await stage.fleet.docker(host, ['rm', '-f', name]);
  }
  expect(await stage.plain('logs', file)).toMatchObject({
    exitCode: 4,
    stdout: '',
    stderr: 'h1, h2: there is no container app here.\nh1, h2: there is no container health here.\n',
  });
});
