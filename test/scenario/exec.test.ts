import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runRollout } from '../support/rollout.ts';
import { startStage, type Stage } from './support/stage.ts';

const token = 'very-secret-token';
let stage: Stage;
let file: string;
beforeAll(async () => {
  stage = await startStage({ hosts: 3 });
  file = await stage.playbook(await stage.deploy('1'), { top: { secrets: { token: { env: 'TOKEN' } } } });
});
afterAll(() => stage.close());

const exec = async (...args: readonly string[]) => {
  const settings = { script: inject('rolloutScript'), cwd: stage.cwd, env: { TOKEN: token } };
  const { exitCode, stdout, stderr } = await runRollout(['exec', ...args], settings);
  return { exitCode, stdout, stderr };
};

test('on the hosts that a pattern selects: equal outputs once, secrets masked, options behind -- are the command’s', async () => {
  expect(await exec(file, 'web:!h3', '--', 'echo', token, '-v')).toEqual({
    exitCode: 0,
    stdout: 'h1, h2:\n    [secret token] -v\n',
    stderr: '',
  });
});

test('one word with blanks is a line for the shell, and its exit code is the worst of all', async () => {
  expect(await exec(file, 'h1', '--', 'echo a; false')).toEqual({
    exitCode: 1,
    stdout: 'h1: exit code 1\n    a\n',
    stderr: '',
  });
});

test('in the container of a service, a host that is down is told of, as JSON', async () => {
  await stage.fleet.hostDown('h3');
  const { exitCode, stdout } = await exec('--output', 'json', '-s', 'app', file, 'all', '--', 'true');
  expect(exitCode).toBe(4);
  const outcomes = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { host: string; error?: string });
  expect(outcomes).toMatchObject([
    { host: 'h1', container: 'app', exitCode: 0 },
    { host: 'h2', container: 'app', exitCode: 0 },
    { host: 'h3', container: 'app', error: expect.stringContaining('connection refused') as string },
  ]);
  await stage.fleet.hostUp('h3');
});

test('where docker has no container to run it in, or one that is stopped, it did not run: exit code 4', async () => {
  await stage.fleet.docker('h1', ['stop', 'app']);
  await stage.fleet.docker('h2', ['rename', 'app', 'other']);
  await stage.fleet.docker('h3', ['rename', 'app', 'other']);
  expect(await exec('-s', 'app', file, 'all', '--', 'true')).toEqual({
    exitCode: 4,
    stdout:
      'h1 (app): did not run\n    the container app does not run.\n' +
      'h2, h3 (app): did not run\n    there is no container app here.\n',
    stderr: '',
  });
});

test('a service or a pattern that means nothing is exit code 2, with what was meant', async () => {
  expect(await exec('-s', 'ap', file, 'all', '--', 'true')).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: 'rollout: the plays have no service ap on these hosts\n  did you mean app?\n',
  });
  const { exitCode, stderr } = await exec(file, 'nobody', '--', 'true');
  expect({ exitCode, first: stderr.split('\n')[0] }).toEqual({
    exitCode: 2,
    first: 'PATTERN:1:1: nobody matches no host and no group',
  });
});

test('a pattern is never more than what was typed: empty, misspelt in part, beside --limit', async () => {
  expect(await exec(file, '', '--', 'true')).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr: expect.stringContaining('which hosts? the pattern is empty; all is every one') as string,
  });
  expect(await exec(file, 'h1,h99', '--', 'true')).toEqual({
    exitCode: 0,
    stdout: 'h1:\n',
    stderr: 'warning: PATTERN: h99 matches no host and no group\n',
  });
  expect(await exec('-l', 'h2,h3', file, 'h1,h2', '--', 'true')).toEqual({ exitCode: 0, stdout: 'h2:\n', stderr: '' });
});
