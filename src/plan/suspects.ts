import type { DockerErrorKind } from '../docker/errors.ts';
import type { Event, EventOf } from '../events/event.ts';

/** What is the matter with a container of a step that failed, where that is known. */
export type ContainerTrouble =
  | 'stopped' // it has exited, was restarted, or ran out of memory
  | 'unhealthy' // by its healthcheck or its probe, at once or until the deadline
  | 'silent' // nothing answers at the ports that take its traffic
  | 'not_up' // every balancer can be read, and does not show it UP
  | 'gone'; // somebody has removed it

/** What docker, or the connection, said where a step failed. */
export interface StepError {
  readonly kind: DockerErrorKind | 'connection';
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

const ofTheHost: ReadonlySet<StepError['kind']> = new Set(['connection', 'docker_missing', 'daemon_down', 'no_space']);

/** How docker says that the image's program cannot be started: there is none, for other processors, of a user unknown to it. */
const programWords =
  /exec: "|\bexec \S+: |exec format error|executable file not found|no command specified|unable to find (?:user|group)|matching entries in (?:passwd|group) file|chdir to cwd/i;

/** Whether {@link suspectImages} goes by it; a run of a thousand hosts says far more. */
export function speaksOfImages({ type }: Event): boolean {
  return telling.has(type);
}

const telling: ReadonlySet<Event['type']> = new Set([
  'plan_ready',
  'node_started',
  'node_failed',
  'bake_finished',
  'fan_out_judged',
  'check_result',
  'gate_finished',
]);

/**
 * The images that no run should try again by itself (`name:tag@digest`): those of the services whose new container
 * failed; where a verdict, a check or a gate was against the new version, all that the run had brought by then.
 */
export function suspectImages(events: readonly Event[]): readonly string[] {
  const planned = events.findLast((event) => event.type === 'plan_ready');
  const brought = servicesBrought(planned, events);
  const blamed = events.flatMap((event) => servicesBlamed(event, brought));
  return [...new Set(blamed.flatMap((service) => planned?.components?.[service] ?? []))];
}

function servicesBlamed(event: Event, brought: readonly string[]): readonly string[] {
  switch (event.type) {
    case 'node_failed': {
      const { ofImage, op } = event.failure;
      if (ofImage !== true) return [];
      // What was waited for, and ran before, says nothing of what the run has brought.
      return brought.filter((service) => op.service === undefined || op.service === service);
    }
    case 'bake_finished':
    case 'fan_out_judged':
      return event.verdict === 'failed' ? brought : [];
    case 'check_result':
      return event.dryRun !== true && event.outcome === 'failed' && event.failures >= event.failureLimit ? brought : [];
    case 'gate_finished':
      // Without an exit code it could not be asked, or gave no answer in its time.
      return !event.ok && event.exitCode !== undefined ? brought : [];
    default:
      return [];
  }
}

/** Services that got another container, on the hosts that were begun with. */
function servicesBrought(planned: EventOf<'plan_ready'> | undefined, events: readonly Event[]): readonly string[] {
  const begun = new Set(events.flatMap((event) => (event.type === 'node_started' ? [event.host] : [])));
  const services = (planned?.plays ?? []).flatMap(({ hosts }) =>
    Object.entries(hosts).flatMap(([host, changes]) =>
      begun.has(host) ? changes.filter(({ kind }) => brings.has(kind)).map(({ service }) => service) : [],
    ),
  );
  return [...new Set(services)];
}

const brings: ReadonlySet<string> = new Set(['create', 'replace', 'adopt']);
