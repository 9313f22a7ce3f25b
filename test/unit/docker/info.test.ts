import { expect, test } from 'vitest';
import { DockerError } from '../../../src/docker/errors.ts';
import { parseInfo } from '../../../src/docker/info.ts';
import { FailedReading } from '../../../src/docker/unreadable.ts';
import { infoDocument } from '../../support/docker-answers.ts';

const answer = (document: unknown, exitCode = 0, stderr = '') => ({
  name: 'info',
  exitCode,
  stdout: typeof document === 'string' ? document : JSON.stringify(document),
  stderr,
});

/** As podman 5.4.2 prints it, but for what is left out here. */
const podman = {
  host: { arch: 'amd64', buildahVersion: '1.39.3', cgroupVersion: 'v2', cpus: 2, hostname: 'h1' },
  store: { configFile: '/usr/share/containers/storage.conf', containerStore: { number: 0 } },
  version: { APIVersion: '5.4.2', Version: '5.4.2', OsArch: 'linux/amd64' },
};

function failureOf(part: Parameters<typeof parseInfo>[0]): { kind: string; message: string; hint: string | undefined } {
  try {
    parseInfo(part);
  } catch (error) {
    if (!(error instanceof FailedReading)) throw error;
    const { kind, message, hint } = DockerError.ofReading('h1', ['docker', 'info'], error.exitCode, error.stderr);
    return { kind, message, hint };
  }
  throw new Error('it was read');
}

test('docker says what it is, whatever else a newer one tells', () => {
  const info = infoDocument({ host: { buildahVersion: '1' }, version: 'x' });
  expect(parseInfo(answer(info))).toEqual(info);
});

test.each([
  ['5.4.2', podman],
  ['', { host: podman.host }],
  ['4.3.1', { ...podman, version: { Version: '4.3.1' } }],
])('podman in docker’s place is called by its name: %j', (version, document) => {
  expect(failureOf(answer(document, 0, 'Emulate Docker CLI using podman.'))).toEqual({
    kind: 'not_docker',
    message: `the command docker runs podman${version === '' ? '' : ` ${version}`} here, not Docker`,
    hint: 'rollout drives Docker Engine: install it on the host, and remove podman-docker.',
  });
});

test.each([
  [answer({ ServerErrors: ['Cannot connect to the Docker daemon at unix:///var/run/docker.sock.'] }), 'daemon_down'],
  [answer('', 1, 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.'), 'daemon_down'],
  [answer('', 1, 'permission denied while trying to connect to the Docker daemon socket'), 'permission_denied'],
  [answer('', 127, 'sh: 1: docker: not found'), 'docker_missing'],
])('a docker that does not answer: %j is %s', (part, kind) => {
  expect(failureOf(part).kind).toBe(kind);
});

test.each(['', '[]', '"podman"', '{"host"'])('what is no document is not believed: %j', (stdout) => {
  expect(() => parseInfo(answer(stdout))).toThrow('what docker info printed cannot be read');
});
