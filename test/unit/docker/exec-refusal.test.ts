import { describe, expect, test } from 'vitest';
import { execRefusal, isNoSuchContainer } from '../../../src/docker/exec-refusal.ts';

const id = 'f2b1c4d5e6a7f2b1c4d5e6a7f2b1c4d5e6a7f2b1c4d5e6a7f2b1c4d5e6a7aaaa';

describe('docker exec that has run nothing', () => {
  test.each([
    // docker 20.10, 26.1, 28.5
    ['Error: No such container: app\n', 'there is no container app here.'],
    ['Error response from daemon: No such container: app\n', 'there is no container app here.'],
    [`Error response from daemon: Container ${id} is not running\n`, 'the container app does not run.'],
    [`Error response from daemon: container ${id} is not running\n`, 'the container app does not run.'],
    [
      `Error response from daemon: Container ${id} is restarting, wait until the container is running\n`,
      'the container app does not stay up: it is restarting.',
    ],
    [
      `Error response from daemon: Container app is paused, unpause the container before exec\n`,
      'the container app is paused.',
    ],
  ])('%j', (stderr, words) => {
    expect(execRefusal('app', { exitCode: 1, stdout: '', stderr })).toBe(words);
  });

  test.each([
    ['another exit code', { exitCode: 3, stdout: '', stderr: 'Error: No such container: app\n' }],
    ['something printed', { exitCode: 1, stdout: 'x', stderr: 'Error: No such container: app\n' }],
    ['more than docker says', { exitCode: 1, stdout: '', stderr: 'looking\nError: No such container: app\n' }],
    ['a command’s own words', { exitCode: 1, stdout: '', stderr: 'app: No such container: x\n' }],
    ['nothing said', { exitCode: 1, stdout: '', stderr: '' }],
    ['a success', { exitCode: 0, stdout: '', stderr: '' }],
  ])('is not %s', (_, result) => {
    expect(execRefusal('app', result)).toBeUndefined();
  });
});

test('docker logs of a container that is not there, as versions word it', () => {
  expect(
    ['Error: No such container: app', 'Error response from daemon: No such container: app', 'Error: no', ''].map(
      isNoSuchContainer,
    ),
  ).toEqual([true, true, false, false]);
});
