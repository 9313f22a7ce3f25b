import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stepsCommand } from '../../../src/docker/step-script.ts';
import type { Wanted } from '../../../src/docker/commands.ts';
import { Docker } from '../../../src/docker/docker.ts';
import { renameStep, startStep, stopStep, updateStep } from '../../../src/docker/steps.ts';
import { DockerError } from '../../../src/docker/errors.ts';
import { withoutScripts } from '../../../src/ssh/own-script.ts';
import { RemoteError, type ExecResult, type Remote } from '../../../src/ssh/remote.ts';
import {
  answerPart,
  containerDocument,
  containerId,
  infoDocument,
  surveyAnswer,
} from '../../support/docker-answers.ts';

function dockerThatSays(answer: Partial<ExecResult>): Docker {
  const remote: Remote = {
    host: 'h1',
    exec: () => Promise.resolve({ exitCode: 0, stdout: '', stderr: '', durationMs: 0, ...answer }),
    spawn: () => Promise.reject(new Error('not here')),
    attach: () => Promise.reject(new Error('not here')),
    openTcp: () => Promise.reject(new Error('not here')),
    closed: new Promise(() => undefined),
    close: () => Promise.resolve(),
  };
  return new Docker(remote);
}

async function failure(working: Promise<unknown>): Promise<Pick<DockerError, 'kind' | 'message'>> {
  const outcome: unknown = await working.then(
    (value) => value,
    (error: unknown) => error,
  );
  if (!(outcome instanceof DockerError))
    throw new Error(`no DockerError: ${JSON.stringify(outcome)}`, { cause: outcome });
  return { kind: outcome.kind, message: outcome.message };
}

const away = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?';
const app: Wanted = { names: ['app'], images: [] };
const image = { Id: 'sha256:1', RepoTags: ['a:1'] };

describe('a reading that failed is not a host that has nothing', () => {
  test.each<[string, Partial<ExecResult>, Awaited<ReturnType<typeof failure>>]>([
    ['a daemon that is away', { exitCode: 1, stdout: '[]\n', stderr: away }, { kind: 'daemon_down', message: away }],
    [
      'a daemon that goes half way',
      { exitCode: 1, stdout: '[]\n', stderr: `Error: No such container: web\n${away}` },
      { kind: 'daemon_down', message: expect.stringContaining('Cannot connect') as string },
    ],
    [
      'another error',
      { exitCode: 1, stdout: '[]\n', stderr: 'Error response from daemon: context deadline exceeded' },
      { kind: 'unreadable', message: 'context deadline exceeded' },
    ],
    [
      'the absence of another one',
      { exitCode: 1, stdout: '[]\n', stderr: 'Error: No such container: web' },
      { kind: 'unreadable', message: 'No such container: web' },
    ],
    [
      'no word at all',
      { exitCode: 1, stdout: '[]\n' },
      { kind: 'unreadable', message: 'docker inspect ended with exit code 1 and said nothing' },
    ],
    [
      'success without the container',
      { stdout: '[]\n' },
      { kind: 'unreadable', message: 'what docker says of app cannot be read; found nothing' },
    ],
    [
      'an answer that was broken off',
      { stdout: '[{"Id":"' },
      { kind: 'unreadable', message: String.raw`what docker inspect printed cannot be read; found "[{\"Id\":\""` },
    ],
    [
      'no docker',
      { exitCode: 127, stderr: 'sh: 1: docker: not found' },
      { kind: 'docker_missing', message: 'sh: 1: docker: not found' },
    ],
  ])('%s', async (_, answer, expected) => {
    expect(await failure(dockerThatSays(answer).inspect(['app']))).toEqual(expected);
    const { exitCode = 0, stdout = '', stderr = '' } = answer;
    const observed = answerPart('ps', '') + answerPart('containers', stdout, { exitCode, stderr });
    const { kind } = await failure(dockerThatSays({ stdout: observed + answerPart('images', [image]) }).observe(app));
    expect(kind).toBe(expected.kind);
  });

  test.each([
    'Error: No such container: app',
    'Error response from daemon: No such container: app',
    'error: no such object: app',
    'Error: no such container "app"',
    'WARNING: Error loading config file: /root/.docker/config.json: permission denied\nError: No such container: app',
  ])('but docker’s own word for that name says so: %s', async (stderr) => {
    expect(await dockerThatSays({ exitCode: 1, stdout: '[]\n', stderr }).inspect(['app'])).toEqual(new Map());
  });

  test('networks and volumes are as carefully read, in the words of old and new versions', async () => {
    const wanted: Wanted = { names: undefined, images: [], networks: ['front', 'back'], volumes: ['data'] };
    const asked = (network: string, volume: string) =>
      dockerThatSays({
        stdout:
          answerPart('networks', [{ Name: 'front' }], { exitCode: 1, stderr: network }) +
          answerPart('volumes', [], { exitCode: 1, stderr: volume }),
      }).observe(wanted);
    for (const [network, volume] of [
      ['Error: No such network: back', 'Error: No such volume: data'],
      ['Error response from daemon: network back not found', 'Error response from daemon: get data: no such volume'],
    ] as const) {
      const { networks, volumes } = await asked(network, volume);
      expect({ networks, volumes }).toEqual({ networks: new Set(['front']), volumes: new Set() });
    }
    expect(await failure(asked(away, 'Error: No such volume: data'))).toEqual({ kind: 'daemon_down', message: away });
    expect(await failure(asked('Error: No such network: back', away))).toEqual({ kind: 'daemon_down', message: away });
  });

  test('images that docker does not speak of are unknown', async () => {
    const wanted: Wanted = { names: undefined, images: ['a:1', 'b:1'] };
    const of = (stdout: unknown[], exitCode: number, stderr: string) =>
      dockerThatSays({ stdout: answerPart('images', stdout, { exitCode, stderr }) }).observe(wanted);
    const { images } = await of([image], 1, 'Error: No such image: b:1');
    expect([...images.keys()]).toEqual(['sha256:1', 'a:1']);
    expect(await failure(of([image], 1, away))).toEqual({ kind: 'daemon_down', message: away });
    expect(await failure(of([image], 0, ''))).toMatchObject({ kind: 'unreadable' });
  });
});

describe('a host’s odd answer is that host’s failure', () => {
  const survey = (info: unknown, ps: string, inspect?: unknown) =>
    dockerThatSays({
      stdout:
        answerPart('info', info as object) +
        answerPart('ps', ps) +
        (inspect === undefined ? '' : answerPart('inspect', inspect as object)),
    }).survey();
  const ours = `${containerId('app')} ours app shop/app:1\n`;
  const known = infoDocument({ Containers: 1 });

  test.each<[string, () => Promise<unknown>, string]>([
    ['docker info prints null', () => survey(null, ''), 'what docker info printed cannot be read; found null'],
    ['docker info prints a list', () => survey([], ''), 'what docker info printed cannot be read; found []'],
    [
      'docker info has no memory',
      () => survey(infoDocument({ MemTotal: undefined }), ''),
      'MemTotal of docker info cannot be read; found nothing',
    ],
    [
      'docker info has a text for a number',
      () => survey(infoDocument({ NCPU: '2' }), ''),
      'NCPU of docker info cannot be read; found "2"',
    ],
    [
      'docker ps is torn',
      () => survey(known, ours.slice(0, 70), []),
      `the last line of docker ps cannot be read; found "${ours.slice(0, 70)}"`,
    ],
    [
      'docker ps is torn in an id',
      () => survey(known, `${containerId('app').slice(9)}\n`, []),
      `a line of docker ps cannot be read; found "${containerId('app').slice(9)}"`,
    ],
    [
      'docker inspect prints null',
      () => survey(known, ours, null),
      'what docker inspect printed cannot be read; found null',
    ],
    [
      'docker inspect prints an object',
      () => survey(known, ours, { a: 1 }),
      'what docker inspect printed cannot be read; found { a: 1 }',
    ],
    [
      'docker inspect prints a mixed list',
      () => survey(known, ours, [null, 5, 'x']),
      'a document of docker inspect cannot be read; found null',
    ],
    [
      'docker inspect prints nothing of ours',
      () => survey(known, ours, []),
      `what docker says of ${containerId('app')} cannot be read; found nothing`,
    ],
    [
      'the part with the documents is missing',
      () => survey(known, ours),
      'part "inspect" of the host\'s answer cannot be read; found nothing',
    ],
    [
      'the answer is something else',
      () => dockerThatSays({ stdout: 'Welcome to prod\n' }).survey(),
      String.raw`the answer of the host cannot be read; found "Welcome to prod\n"`,
    ],
    [
      'the answer is empty',
      () => dockerThatSays({}).survey(),
      'part "info" of the host\'s answer cannot be read; found nothing',
    ],
  ])('%s', async (_, read, message) => {
    expect(await failure(read())).toEqual({ kind: 'unreadable', message });
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['no state', { State: null }, 'State.Status of the container "app" cannot be read; found nothing'],
    [
      'an unknown status',
      { State: { ...containerDocument('app').State, Status: 'gone' } },
      'State.Status of the container "app" cannot be read; found "gone"',
    ],
    [
      'a status against its own flag',
      { State: { ...containerDocument('app').State, Status: 'exited' } },
      'State.Running of the container "app" cannot be read; found true',
    ],
    [
      'an unknown health',
      { State: { ...containerDocument('app').State, Health: { Status: 'fine' } } },
      'State.Health.Status of the container "app" cannot be read; found "fine"',
    ],
    [
      'labels that are a list',
      { Config: { Image: 'a', Labels: ['x'] } },
      'Config.Labels of the container "app" cannot be read; found [ \'x\' ]',
    ],
    ['no name', { Name: undefined }, 'Name of the container'],
  ])('a container with %s', async (_, overrides, message) => {
    const error = await failure(survey(known, ours, [containerDocument('app', overrides)]));
    expect(error.kind).toBe('unreadable');
    expect(error.message).toContain(message);
  });

  test('a daemon that is away is told as such, also by versions that end with 0', async () => {
    expect(await failure(survey({ ID: '', ServerErrors: [away] }, ''))).toEqual({ kind: 'daemon_down', message: away });
    const stdout = answerPart('info', {}, { exitCode: 1, stderr: away });
    expect(await failure(dockerThatSays({ stdout }).survey())).toEqual({ kind: 'daemon_down', message: away });
    const failed = answerPart('info', known) + answerPart('ps', '', { exitCode: 1, stderr: away });
    expect(await failure(dockerThatSays({ stdout: failed }).survey())).toEqual({ kind: 'daemon_down', message: away });
  });

  test('what is whole is read', async () => {
    const { names, isWhole, observed } = await dockerThatSays({ stdout: surveyAnswer(['app'], ['db']) }).survey();
    expect([[...names], isWhole, [...observed.containers.keys()]]).toEqual([['app', 'db'], true, ['app']]);
  });
});

test('the recorded answers of docker 20.10 are read with lines that end in CRLF', async () => {
  const file = join(import.meta.dirname, '../../cases/docker/20.10/survey.txt');
  const text = (await readFile(file, 'utf8')).replaceAll('\n', '\r\n');
  expect([...(await dockerThatSays({ stdout: text }).survey()).names].sort()).toEqual(['app', 'by-hand', 'health']);
});

test.each([
  [0, 'rollout-update --restart no -- health'],
  [1, 'docker stop --time 5 -- health'],
])('a step that hangs is named by itself, without any script: %i', async (done, name) => {
  const remote: Remote = {
    host: 'h1',
    exec: (argv, options) => {
      options?.onStdout?.(Array.from({ length: done }, (_, index) => `${index + 1}\n`).join(''));
      return Promise.reject(new RemoteError('h1', 'timeout', argv.join(' ')));
    },
    spawn: () => Promise.reject(new Error('not here')),
    attach: () => Promise.reject(new Error('not here')),
    openTcp: () => Promise.reject(new Error('not here')),
    closed: new Promise(() => undefined),
    close: () => Promise.resolve(),
  };
  const steps = [updateStep('health', ['--restart', 'no']), stopStep('health', 5000)];
  await expect(new Docker(remote).carryOut(steps)).rejects.toMatchObject({
    kind: 'timeout',
    message: `${name} hangs: it did not end within ${(120_000 + 65_000) / 1000} s.`,
  });
});

const looked = (stdout: string, exitCode = 0, stderr = ''): string => answerPart('look', stdout, { exitCode, stderr });
const documents = JSON.stringify([containerDocument('app')]);
const replacing = [renameStep('app.next', 'app'), startStep('app')];

test.each([
  ['what they look at is read in the same answer', `1\n2\n${looked(documents)}`, ['app']],
  ['lines may end in CRLF', `1\r\n2\r\n${looked(documents)}`, ['app']],
  ['a container that is gone is not there', `1\n2\n${looked('[]', 1, 'Error: No such container: app')}`, []],
  ['a daemon that is away tells nothing', `1\n2\n${looked('', 1, 'Cannot connect to the Docker daemon')}`, undefined],
  ['a torn look tells nothing', `1\n2\n${looked(documents).slice(0, 60)}`, undefined],
  ['no look tells nothing', '1\n2\n', undefined],
  ['a look of nonsense tells nothing', `1\n2\n${looked('[null, 5]')}`, undefined],
])('steps that have ended: %s', async (_, stdout, names) => {
  const done: number[] = [];
  const onDone = (index: number) => done.push(index);
  const seen = await dockerThatSays({ stdout }).carryOut(replacing, { look: ['app'], onDone });
  expect({ done, seen: seen && [...seen.keys()] }).toEqual({ done: [0, 1], seen: names });
});

test.each([
  ['', 'rename'],
  ['1\n', 'start'],
  ['1', 'rename'],
  ['7\n1\n', 'rename'],
  ['welcome\n1\n', 'rename'],
])('the step that failed is told by what was counted: %j', async (stdout, verb) => {
  const docker = dockerThatSays({ exitCode: 1, stdout, stderr: 'Error response from daemon: no' });
  const refusal: unknown = await docker.carryOut(replacing, { look: ['app'] }).catch((error: unknown) => error);
  expect(refusal instanceof DockerError && refusal.argv[1]).toBe(verb);
});

test('no script stands in what people read, however deep it is', () => {
  const steps = stepsCommand([updateStep('app', ['--restart', 'no']).argv, startStep('app').argv]);
  const lock = ['sh', '-c', 'a long text', 'rollout-lock', '0', '--', ...steps];
  expect(withoutScripts(lock).join(' ')).toBe(
    'rollout-lock 0 -- rollout-steps 0 8 rollout-update --restart no -- app 4 docker start -- app',
  );
  expect(withoutScripts(['sh', '-c', 'echo "$0"', 'migrate'])).toEqual(['sh', '-c', 'echo "$0"', 'migrate']);
});
