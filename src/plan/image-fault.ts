/** What is the matter with a container of a step that failed, where that is known. */
export type ContainerTrouble =
  | 'stopped' // it has exited, was restarted, or ran out of memory
  | 'unhealthy' // by its healthcheck or its probe, at once or until the deadline
  | 'silent' // nothing answers at the ports that take its traffic
  | 'not_up' // every balancer can be read, and does not show it UP
  | 'gone'; // somebody has removed it

/** What docker, or the connection, said where a step failed. */
export interface StepError {
  /** A kind of docker's errors, or `connection`. */
  readonly kind: string;
  readonly message: string;
}

/**
 * Whether a failed step speaks against the image. What the host, its daemon, its network or the registry refuse does
 * not: the same image may do well an hour later, and on another host.
 */
export function isImagesFault({
  trouble,
  error,
}: {
  readonly trouble?: ContainerTrouble | undefined;
  readonly error?: StepError | undefined;
}): boolean {
  if (trouble !== undefined) return trouble !== 'gone';
  return error !== undefined && !ofTheHost.has(error.kind) && programWords.test(error.message);
}

const ofTheHost: ReadonlySet<string> = new Set([
  'connection',
  'docker_missing',
  'not_docker',
  'daemon_down',
  'no_space',
]);

/** How docker says that the image's program cannot be started: there is none, for other processors, of a user unknown to it. */
const programWords =
  /exec: "|\bexec \S+: |exec format error|executable file not found|no command specified|unable to find (?:user|group)|matching entries in (?:passwd|group) file|chdir to cwd/i;
