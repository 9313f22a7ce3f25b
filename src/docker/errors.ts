/** Why a docker command failed, as far as what to do about it differs. */
export type DockerErrorKind =
  | 'not_found'
  | 'conflict' // the name is taken, or something is in use
  | 'being_removed'
  | 'not_removable' // its files are held or protected
  | 'daemon_down'
  | 'docker_missing'
  | 'not_docker' // another program answers to its name
  | 'permission_denied'
  | 'port_in_use'
  | 'half_started'
  | 'no_space'
  | 'registry_auth'
  | 'registry_busy'
  | 'manifest_unknown'
  | 'registry_unreachable'
  | 'unreadable' // a reading that says neither that something is there nor that it is not
  | 'other';

/** A docker command that ended with an error, in docker's own words. */
export class DockerError extends Error {
  readonly host: string;
  /** Without secrets: those go through stdin. */
  readonly argv: readonly string[];
  readonly exitCode: number;
  readonly kind: DockerErrorKind;
  /** What to type or change. */
  readonly hint: string | undefined;

  constructor(host: string, argv: readonly string[], exitCode: number, stderr: string, kind?: DockerErrorKind) {
    super(trimDockerMessage(stderr) || `docker ended with exit code ${exitCode} and said nothing`);
    this.name = 'DockerError';
    this.host = host;
    this.argv = argv;
    this.exitCode = exitCode;
    this.kind = kind ?? classifyDockerError(stderr, exitCode);
    this.hint = hints[this.kind];
  }

  /** Of a command that only reads: whatever docker says of its failure, nothing is known of what was asked for. */
  static ofReading(host: string, argv: readonly string[], exitCode: number, stderr: string): DockerError {
    const kind = classifyDockerError(stderr, exitCode);
    return new DockerError(host, argv, exitCode, stderr, lasting.has(kind) ? kind : 'unreadable');
  }

  /** Of a reading that is not what docker prints. */
  static unreadable(host: string, argv: readonly string[], message: string): DockerError {
    return new DockerError(host, argv, 0, message, 'unreadable');
  }
}

/** Kinds that a reading may have: what to do about them is known. */
const lasting: ReadonlySet<DockerErrorKind> = new Set([
  'daemon_down',
  'docker_missing',
  'not_docker',
  'permission_denied',
  'no_space',
]);

const hints: Readonly<Record<DockerErrorKind, string | undefined>> = {
  not_found: undefined,
  conflict: undefined,
  being_removed: 'Somebody else removes it. Where that does not end, docker hangs at it: systemctl restart docker',
  not_removable:
    'Its files are held by another process, or protected. Mostly a mount is left over, and systemctl restart docker frees it; then docker rm --force it. Until then its name is taken.',
  daemon_down: 'Start the daemon: systemctl start docker',
  docker_missing: 'Install docker on the host, or put it on the PATH of non-interactive sessions.',
  not_docker: 'rollout drives Docker Engine: install it on the host, and remove podman-docker.',
  permission_denied: 'Add the user to the docker group, or set ansible_become: true (-b).',
  port_in_use:
    'See who has it: docker ps, and ss -ltnp. No container, and nothing but a docker-proxy? A docker that ended while it started a container holds its port until: systemctl restart docker',
  half_started:
    'A docker that was killed while it started this container cannot start it any more until: systemctl restart docker. A new container in its place starts all the same.',
  no_space: 'Make room: docker system df shows what docker keeps, docker image prune removes unused layers.',
  registry_auth:
    'Give the credentials under registries of the playbook, or in ~/.docker/config.json at the controller.',
  registry_busy:
    'The registry limits how often it may be asked. Wait, or log in: with credentials (registries in the playbook, or docker login at the controller) the limit is mostly higher.',
  manifest_unknown: 'Check the tag, or push the image.',
  registry_unreachable:
    'Check that the host reaches the registry; a registry without TLS must be in insecure-registries of its daemon.json.',
  unreadable:
    'Is there a wrapper in docker’s place on the host? To see what it prints: docker info --format "{{json .}}"',
  other: undefined,
};

// Checked in this order; the first that matches is it.
const patterns: readonly (readonly [DockerErrorKind, RegExp])[] = [
  [
    'docker_missing',
    /docker: (?:command )?not found|executable file not found in \$PATH: docker|No such file or directory: 'docker'/i,
  ],
  ['not_docker', /^the command docker runs podman/],
  [
    'permission_denied',
    /permission denied while trying to connect|Got permission denied|dial unix [^:]*: connect: permission denied|: Permission denied$/im,
  ],
  [
    'daemon_down',
    // The last two: a daemon on its way out has closed its store of networks, or is without its containerd for a while.
    /Cannot connect to the Docker daemon|failed to connect to the docker API|Is the docker daemon running|error during connect|store for object type \S+: open : no such file|containerd\.sock/i,
  ],
  ['port_in_use', /port is already allocated|address already in use|Ports are not available/i],
  ['half_started', /task [0-9a-f]{64}: already exists/i],
  ['no_space', /no space left on device|disk quota exceeded/i],
  // Before refused credentials: Docker Hub's text for it ends with a link that speaks of authentication.
  ['registry_busy', /toomanyrequests|too many requests|pull rate limit/i],
  [
    'manifest_unknown',
    /manifest unknown|manifest for .* not found|not found: manifest unknown|no matching manifest|failed to resolve reference .*: not found/i,
  ],
  [
    'registry_auth',
    /unauthorized|no basic auth credentials|pull access denied|denied: requested access|authentication required|403 Forbidden|401 Unauthorized/i,
  ],
  [
    'registry_unreachable',
    /server gave HTTP response to HTTPS client|dial tcp|i\/o timeout|TLS handshake|no such host|request canceled while waiting|x509:|connection refused|EOF$/im,
  ],
  ['not_removable', /unable to remove filesystem|failed to remove root filesystem/i],
  ['being_removed', /removal of container \S+ is already in progress|is marked for removal/i],
  [
    'conflict',
    /is already in use by container|already exists|is (?:already )?in progress|has active endpoints|Conflict\./i,
  ],
  ['not_found', /No such (?:container|image|network|volume|object)|network \S+ not found|not found/i],
];

export function classifyDockerError(stderr: string, exitCode: number): DockerErrorKind {
  const found = patterns.find(([, pattern]) => pattern.test(stderr))?.[0];
  return found ?? (exitCode === 127 ? 'docker_missing' : 'other');
}

/** Docker's last words without its prefixes, warnings and advice: one or two lines. */
export function trimDockerMessage(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter(
      (line) =>
        line !== '' &&
        !/^(?:WARNING|(?:Error: )?failed to start containers: |See 'docker|Run 'docker|Usage:|time=|Flag --)/.test(
          line,
        ),
    );
  return lines
    .slice(-2)
    .map((line) => line.replace(/^rollout-[a-z]+: (?:line )?\d+: /, ''))
    .map((line) => line.replace(/^(?:docker: )?(?:Error response from daemon: |Error: (?=No such))/, ''))
    .join(' ')
    .slice(0, 1000);
}
