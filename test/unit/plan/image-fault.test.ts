import { expect, test } from 'vitest';
import { DockerError } from '../../../src/docker/errors.ts';
import { isImagesFault, type ContainerTrouble } from '../../../src/plan/image-fault.ts';

test.each<[ContainerTrouble, boolean]>([
  ['stopped', true],
  ['unhealthy', true],
  ['silent', true],
  ['not_up', true],
  ['gone', false],
])('a new container that is %s: its image is at fault: %s', (trouble, isAtFault) => {
  expect(isImagesFault({ trouble })).toBe(isAtFault);
  // Whatever else went wrong.
  expect(isImagesFault({ trouble, error: { kind: 'connection', message: 'timed out' } })).toBe(isAtFault);
});

test('a step that failed with nothing known of its container is nothing against the image: a drain, a balancer that is dark, a task', () => {
  expect(isImagesFault({})).toBe(false);
});

const docker = (stderr: string, exitCode = 1): DockerError => new DockerError('h1', ['docker'], exitCode, stderr);

test.each<[string, string]>([
  ['no_space', 'write /var/lib/docker/tmp/x: no space left on device'],
  ['no_space', 'failed to start: exec: "/app": disk quota exceeded'],
  ['daemon_down', 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?'],
  ['docker_missing', 'sh: docker: not found'],
  ['docker_missing', 'exec: "docker": executable file not found in $PATH: docker'],
  ['permission_denied', 'permission denied while trying to connect to the Docker daemon socket'],
  ['port_in_use', 'driver failed: Bind for 0.0.0.0:8080 failed: port is already allocated'],
  ['half_started', `task ${'a'.repeat(64)}: already exists`],
  ['conflict', 'Conflict. The container name "/app.next" is already in use by container "f00"'],
  ['being_removed', 'removal of container app is already in progress'],
  ['manifest_unknown', 'manifest unknown'],
  ['registry_auth', 'pull access denied for shop/app, repository does not exist'],
  ['registry_busy', 'toomanyrequests: You have reached your pull rate limit'],
  ['registry_unreachable', 'dial tcp 10.0.0.1:5000: connect: connection refused'],
  ['not_found', 'No such image: shop/app:1'],
  ['not_found', 'network front not found'],
  ['other', 'error mounting "/data" to rootfs at "/data": not a directory: unknown'],
  ['other', 'failed to write 100000: write /sys/fs/cgroup/cpu.max: invalid argument: unknown'],
  ['other', 'OCI runtime create failed: unable to apply cgroup configuration'],
  ['other', ''],
])('docker says %s, "%s": the image is not at fault', (kind, stderr) => {
  const error = docker(stderr);
  expect([error.kind, isImagesFault({ error })]).toEqual([kind, false]);
});

test.each([
  'OCI runtime create failed: runc create failed: unable to start container process: exec: "/app": stat /app: no such file or directory: unknown',
  'unable to start container process: error during container init: exec: "/app": permission denied: unknown',
  'exec: "serve": executable file not found in $PATH: unknown',
  'exec /app: exec format error',
  'exec /app: no such file or directory',
  'unable to find user app: no matching entries in passwd file',
  'chdir to cwd ("/srv") set in config.json failed: no such file or directory',
  'No command specified',
])('docker cannot start what is in the image (%s): the image is at fault', (stderr) => {
  expect(isImagesFault({ error: docker(stderr) })).toBe(true);
});

test('a connection that is lost says nothing of the image, in whatever words', () => {
  expect(isImagesFault({ error: { kind: 'connection', message: 'exec: "sh": connection lost' } })).toBe(false);
});
