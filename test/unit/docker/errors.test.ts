import { expect, test } from 'vitest';
import { DockerError } from '../../../src/docker/errors.ts';

/** What docker prints, word for word, and what becomes of it. */
const cases: readonly (readonly [stderr: string, kind: string, message: string])[] = [
  ['Error: No such container: app\n', 'not_found', 'No such container: app'],
  [
    'Error response from daemon: Conflict. The container name "/app" is already in use by container "f00". You have to remove (or rename) that container to be able to reuse that name.\nSee \'docker create --help\'.\n',
    'conflict',
    'Conflict. The container name "/app" is already in use by container "f00". You have to remove (or rename) that container to be able to reuse that name.',
  ],
  [
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n',
    'daemon_down',
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
  ],
  [
    'failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory\n',
    'daemon_down',
    'failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory',
  ],
  [
    'Error response from daemon: failed to update store for object type *libnetwork.endpoint: open : no such file or directory\nError: failed to start containers: app\n',
    'daemon_down',
    'failed to update store for object type *libnetwork.endpoint: open : no such file or directory',
  ],
  [
    'Error response from daemon: connection error: desc = "transport: Error while dialing dial unix:///run/containerd/containerd.sock: timeout": unavailable\nError: failed to start containers: app\n',
    'daemon_down',
    'connection error: desc = "transport: Error while dialing dial unix:///run/containerd/containerd.sock: timeout": unavailable',
  ],
  [
    'Error response from daemon: task 1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f: already exists\nError: failed to start containers: app\n',
    'half_started',
    'task 1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f: already exists',
  ],
  [
    'Error response from daemon: cannot remove container "app.previous": unable to remove filesystem: unlinkat /var/lib/docker/containers/7aec/busy: operation not permitted (asked again for 30 s)\n',
    'not_removable',
    'cannot remove container "app.previous": unable to remove filesystem: unlinkat /var/lib/docker/containers/7aec/busy: operation not permitted (asked again for 30 s)',
  ],
  [
    'Error response from daemon: container 1f: driver "overlay2" failed to remove root filesystem: unlinkat /var/lib/docker/overlay2/1f/merged: device or resource busy\n',
    'not_removable',
    'container 1f: driver "overlay2" failed to remove root filesystem: unlinkat /var/lib/docker/overlay2/1f/merged: device or resource busy',
  ],
  [
    'Error response from daemon: removal of container app.next is already in progress (asked again for 30 s)\n',
    'being_removed',
    'removal of container app.next is already in progress (asked again for 30 s)',
  ],
  [
    'Error response from daemon: container is marked for removal and cannot be started\nError: failed to start containers: app\n',
    'being_removed',
    'container is marked for removal and cannot be started',
  ],
  [
    'Error response from daemon: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit\n',
    'registry_busy',
    'toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit',
  ],
  [
    'Error response from daemon: error pulling image configuration: download failed after attempts=1: unauthorized: too many requests\n',
    'registry_busy',
    'error pulling image configuration: download failed after attempts=1: unauthorized: too many requests',
  ],
  [
    'Error response from daemon: failed to copy: httpReadSeeker: failed open: unexpected status code https://r.example/v2/shop/app/blobs/sha256:0: 429 Too Many Requests - Server message: unknown: slow down\n',
    'registry_busy',
    'failed to copy: httpReadSeeker: failed open: unexpected status code https://r.example/v2/shop/app/blobs/sha256:0: 429 Too Many Requests - Server message: unknown: slow down',
  ],
  [
    'write /var/lib/docker/tmp/GetImageBlob2178: no space left on device\n',
    'no_space',
    'write /var/lib/docker/tmp/GetImageBlob2178: no space left on device',
  ],
  ['bash: line 1: docker: command not found\n', 'docker_missing', 'bash: line 1: docker: command not found'],
  ['sh: 1: docker: not found\n', 'docker_missing', 'sh: 1: docker: not found'],
  ['rollout-survey: 2: docker: not found\n', 'docker_missing', 'docker: not found'],
  [
    'Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/info": dial unix /var/run/docker.sock: connect: permission denied\n',
    'permission_denied',
    'Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/info": dial unix /var/run/docker.sock: connect: permission denied',
  ],
  [
    "mkdir: cannot create directory '/var/lib/rollout': Permission denied\n",
    'permission_denied',
    "mkdir: cannot create directory '/var/lib/rollout': Permission denied",
  ],
  [
    'Error response from daemon: driver failed programming external connectivity on endpoint app (0abc): Bind for 0.0.0.0:8080 failed: port is already allocated\nError: failed to start containers: app\n',
    'port_in_use',
    'driver failed programming external connectivity on endpoint app (0abc): Bind for 0.0.0.0:8080 failed: port is already allocated',
  ],
  // 29.1
  [
    'Error response from daemon: No such container: nobody\nfailed to start containers: nobody\n',
    'not_found',
    'No such container: nobody',
  ],
  [
    'Error response from daemon: driver failed programming external connectivity on endpoint app: Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use\n',
    'port_in_use',
    'driver failed programming external connectivity on endpoint app: Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use',
  ],
  [
    'failed to register layer: Error processing tar file(exit status 1): write /usr/lib/x: no space left on device\n',
    'no_space',
    'failed to register layer: Error processing tar file(exit status 1): write /usr/lib/x: no space left on device',
  ],
  [
    'Error response from daemon: manifest for registry.example.com/shop/app:9 not found: manifest unknown: manifest unknown\n',
    'manifest_unknown',
    'manifest for registry.example.com/shop/app:9 not found: manifest unknown: manifest unknown',
  ],
  [
    'Error response from daemon: Head "https://registry.example.com/v2/shop/app/manifests/1": no basic auth credentials\n',
    'registry_auth',
    'Head "https://registry.example.com/v2/shop/app/manifests/1": no basic auth credentials',
  ],
  [
    'Error response from daemon: Get "https://registry.example.com/v2/": http: server gave HTTP response to HTTPS client\n',
    'registry_unreachable',
    'Get "https://registry.example.com/v2/": http: server gave HTTP response to HTTPS client',
  ],
  [
    'WARNING: Your kernel does not support swap limit capabilities\nError response from daemon: invalid reference format\n',
    'other',
    'invalid reference format',
  ],
  ['', 'other', 'docker ended with exit code 1 and said nothing'],
];

test.each(cases)(
  "docker's words are trimmed to what matters, and sorted by what to do: %j",
  (stderr, kind, message) => {
    const error = new DockerError('h1', ['docker', 'start', 'app'], 1, stderr);
    expect({ kind: error.kind, message: error.message }).toEqual({ kind, message });
  },
);

test('an operator who may not use docker is told both ways out', () => {
  const error = new DockerError(
    'h1',
    ['docker', 'info'],
    1,
    'dial unix /var/run/docker.sock: connect: permission denied',
  );
  expect(error.hint).toBe('Add the user to the docker group, or set ansible_become: true (-b).');
});
