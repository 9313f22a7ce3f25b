import { script, type Argv } from './commands.ts';

/** How long docker is asked again for what it refuses. */
interface Patience {
  readonly seconds: number;
  /** Refused so often in a row, and the container found the same each time: asking again does not help. */
  readonly looks: number | undefined;
  /** Whether a container that is gone is what was asked for. */
  readonly mayBeGone: boolean;
}

/** What of a container changes when its process ends or starts. */
const changing = '{{.State.Status}} {{.State.Pid}} {{.State.StartedAt}} {{.State.FinishedAt}} {{.RestartCount}}';

/**
 * `docker SUBCOMMAND ARGS… CONTAINER`. Docker refuses for a moment what it grants a moment later, in words that differ
 * between its versions and with whichever of its parts notices first. So a refusal is judged by the container, looked at
 * again: as long as it changes, or is on its way out, docker is asked again. It is gone where docker says so of its very
 * name; a look that fails or shows nothing tells nothing. In the end docker's words are the error.
 */
const patientCommand = (
  name: string,
  subcommand: string,
  { seconds, looks, mayBeGone }: Patience,
  args: readonly string[],
): Argv =>
  script(
    name,
    `
for container do :; done
says_gone() {
  case $(printf '%s' "$1" | tr -d '"\\r') in
    *"o such container: $container" | *"o such container $container" | *"o such object: $container") ;;
    *) return 1 ;;
  esac
}
# The host's date may be set while this waits.
now() { cut -d. -f1 /proc/uptime 2>/dev/null || date +%s; }
end=$(($(now) + ${seconds}))
last=
same=0
while :; do
  said=$(docker ${subcommand} "$@" 2>&1 >/dev/null) && exit
  code=$?
  if found=$(docker container inspect --format '${changing}' -- "$container" 2>&1) && [ -n "$found" ]; then
    [ "$found" = "$last" ] || same=0
    last=$found
    same=$((same + 1))
    ${looks === undefined ? '' : `[ "$same" -lt ${looks} ] || break`}
  elif says_gone "$found" || says_gone "$said"; then
    ${mayBeGone ? 'exit 0' : 'break'}
  else
    # Of a daemon that is away nothing can be known here.
    docker version >/dev/null 2>&1 || break
    same=0
  fi
  [ "$(now)" -lt "$end" ] || { said="$said (asked again for ${seconds} s)"; break; }
  sleep 0.2 2>/dev/null || sleep 1
done
printf '%s\\n' "$said" >&2
exit "$code"
`,
    args,
  );

/**
 * Docker refuses an update while the process has just ended and docker has not yet heard of it: one in five where a
 * container crashes over and over; it may have taken the policy all the same. What is refused for what was asked stays
 * refused, by a container that does not change.
 */
const updatePatience: Patience = { seconds: 10, looks: 8, mayBeGone: false };

export const updateCommand = (container: string, args: readonly string[]): Argv =>
  patientCommand('rollout-update', 'update', updatePatience, [...args, '--', container]);

/**
 * Somebody else removes it: a command that has gone on without its connection, or a person. Or docker was without its
 * containerd when the container ended, and has not heard of the end.
 */
const removePatience: Patience = { seconds: 30, looks: undefined, mayBeGone: true };

/** Ends when the container is gone, also where somebody else removes it, and where it was gone before. */
export const removeCommand = (container: string): Argv =>
  patientCommand('rollout-remove', 'rm --force', removePatience, ['--', container]);

/** The same, with its anonymous volumes. */
export const removeWithVolumesCommand = (container: string): Argv =>
  patientCommand('rollout-remove', 'rm --force', removePatience, ['--volumes', '--', container]);

/**
 * A container that was made and never started, with the anonymous volumes that were made for it. Without force: one that
 * somebody has started since is somebody's.
 */
export const removeUnstartedCommand = (container: string): Argv =>
  patientCommand('rollout-remove-unstarted', 'rm', { ...removePatience, seconds: 10, looks: 4 }, [
    '--volumes',
    '--',
    container,
  ]);
