import { partFunction } from '../shell/parts.ts';
import { toldFunction } from './told-pull.ts';

/**
 * The commands that run on hosts, as argv. Names stand behind `--`, so that none can be an option. Scripts carry their name as `$0` (`sh -c SCRIPT rollout-observe …`), so that
 * a process list on the host says whose they are, and the sandbox knows them without a shell.
 */
export type Argv = readonly string[];

export const script = (name: string, text: string, args: readonly string[]): Argv => [
  'sh',
  '-c',
  text.trim(),
  name,
  ...args,
];

/**
 * For scripts: docker's client is a Go program that does one thing after the other, and most of what it costs is its start.
 * On one processor it costs a tenth less. Not for `docker create`: its options may take variables from the environment.
 */
export const leanClient = 'export GOMAXPROCS=1';

/**
 * For scripts that have `part`: prints all containers as `docker ps` has them, and the documents of those that are
 * labelled `rollout.play` and of their images.
 */
export const surveyContainers = `
rows=$(part ps docker ps -a --no-trunc --format '{{.ID}} {{if .Label "rollout.play"}}ours{{else}}other{{end}} {{.Names}} {{.Image}}')
printf '%s\\n' "$rows"
ids= images=
while read -r id whose names image; do
  [ "$whose" = ours ] || continue
  ids="$ids $id"
  case " $images " in *" $image "*) continue ;; esac
  # Docker says <no image> of one that has none.
  case $image in *' '*) ;; *) images="$images $image" ;; esac
done <<EOF
$rows
EOF
[ -z "$ids" ] || part inspect docker inspect -- $ids $images
`;

/**
 * Prints, in parts, what `docker info` says, and what {@link surveyContainers} prints. It knows nothing of what a play
 * wants, so that it can go out first.
 */
export const surveyCommand: Argv = script(
  'rollout-survey',
  `
set -f; ${leanClient}${partFunction}
part info docker info --format '{{json .}}'
[ "$code" -eq 0 ] || exit 0${surveyContainers}`,
  [],
);

/** What a host is asked for. */
export interface Wanted {
  /** Undefined: containers are not asked about, whoever made them. */
  readonly names: readonly string[] | undefined;
  /** As docker names them. */
  readonly images: readonly string[];
  readonly networks?: readonly string[];
  readonly volumes?: readonly string[];
}

/**
 * Prints, in parts: the ids of all containers that are labelled `rollout.play`, the documents of those and of the ones
 * that are called as `names` says, then those of images (which the containers run, or which are asked for), of networks
 * and of volumes. No docker process is started for what nobody asks for.
 */
export const observeCommand = ({ names, images, networks = [], volumes = [] }: Wanted): Argv =>
  script(
    'rollout-observe',
    `
set -f; ${leanClient}${partFunction}
asked=$1
shift
for list in names images networks volumes; do
  eval "$list="
  while [ "$#" -gt 0 ] && [ "$1" != -- ]; do eval "$list=\\"\\$$list \\$1\\""; shift; done
  [ "$#" -eq 0 ] || shift
done
ids= containers=
if [ "$asked" = containers ]; then
  rows=$(part ps docker ps -aq --no-trunc --filter label=rollout.play)
  printf '%s\\n' "$rows"
  ids=$(printf '%s\\n' "$rows" | grep -xE '[0-9a-f]{64}')
fi
if [ -n "$names$ids" ]; then
  containers=$(part containers docker container inspect -- $names $ids)
  printf '%s\\n' "$containers"
fi
used=$(printf '%s\\n' "$containers" | grep -o '"Image": *"sha256:[0-9a-f]*"' | grep -o 'sha256:[0-9a-f]*' | sort -u)
[ -z "$used$images" ] || part images docker image inspect -- $used $images
[ -z "$networks" ] || part networks docker network inspect -- $networks
[ -z "$volumes" ] || part volumes docker volume inspect -- $volumes
`,
    [
      names === undefined ? 'resources' : 'containers',
      ...(names ?? []),
      '--',
      ...images,
      '--',
      ...networks,
      '--',
      ...volumes,
    ],
  );

export const inspectCommand = (names: readonly string[]): Argv => ['docker', 'container', 'inspect', '--', ...names];

const platformOption = (platform: string | undefined): readonly string[] =>
  platform === undefined ? [] : [`--platform=${platform}`];

/** Its words are a docker command, as people know it. */
export const pullCommand = (image: string, platform?: string): Argv =>
  script('rollout-bring', `${toldFunction}\ntold "$@"\n`, ['docker', 'pull', ...platformOption(platform), '--', image]);

/**
 * As {@link pullCommand}, with the docker config file (its credentials) on stdin; no trace of it stays on the host. The
 * login's own config folder says which daemon is meant (a context, the one of rootless docker for instance, and the
 * certificates for it): all of that goes along.
 */
export const pullWithConfigCommand = (image: string, platform?: string): Argv =>
  script(
    'rollout-pull',
    `
umask 077${toldFunction}
dir=$(mktemp -d /run/rollout-pull.XXXXXX 2>/dev/null || mktemp -d /dev/shm/rollout-pull.XXXXXX) || exit
trap 'rm -rf "$dir"' EXIT
trap 'exit 143' HUP INT TERM
cat >"$dir/config.json" || exit
own=\${DOCKER_CONFIG:-$HOME/.docker}
context=$(docker context inspect --format '{{.Name}}' 2>/dev/null) || context=default
[ ! -d "$own/contexts" ] || ln -s "$own/contexts" "$dir/contexts" || exit
export DOCKER_CERT_PATH="\${DOCKER_CERT_PATH:-$own}"
case $context in
  default) told docker --config "$dir" pull "$@" ;;
  *) told docker --config "$dir" --context "$context" pull "$@" ;;
esac
`,
    [...platformOption(platform), '--', image],
  );

/** `docker create` of a service. Every option is one word. `--pull=never`: images were brought before, with credentials that are gone by now. */
export const createCommand = (
  container: string,
  options: readonly string[],
  image: string,
  words: readonly string[],
): Argv => ['docker', 'create', `--name=${container}`, '--pull=never', ...options, '--', image, ...words];

/**
 * As {@link createCommand}, with an env file on stdin. Behind a pipe: docker opens /dev/stdin by its name, which works
 * for pipes and not for the sockets that some programs give their children.
 */
export const createWithEnvFileCommand = (
  ...[container, options, image, words]: Parameters<typeof createCommand>
): Argv =>
  script('rollout-create', 'cat | docker create "$@"', [
    ...createCommand(container, ['--env-file=/dev/stdin', ...options], image, words).slice(2),
  ]);

/** The same ahead of its time, so that whatever else the host does comes first. */
export const createAheadCommand = (...[container, options, image, words]: Parameters<typeof createCommand>): Argv =>
  script(
    'rollout-create-ahead',
    `
nice=$(command -v nice) && nice="$nice -n 19"
cat | $nice docker create "$@"
`,
    [...createCommand(container, ['--env-file=/dev/stdin', ...options], image, words).slice(2)],
  );

/** Writes stdin to a file that only its owner can read, whole or not at all. */
export const writeFileCommand = (path: string, mode: string, owner: string): Argv =>
  script(
    'rollout-file',
    `
umask 077
mkdir -p -m 0711 "$(dirname "$1")" || exit
cat >"$1.$$" && chown "$3" "$1.$$" && chmod "$2" "$1.$$" && mv -f "$1.$$" "$1" || { rm -f "$1.$$"; exit 1; }
`,
    [path, mode, owner],
  );

export const createNetworkCommand = (name: string, options: readonly string[]): Argv => [
  'docker',
  'network',
  'create',
  ...options,
  '--',
  name,
];
export const inspectNetworksCommand = (names: readonly string[]): Argv => [
  'docker',
  'network',
  'inspect',
  '--format={{.Name}}',
  '--',
  ...names,
];
export const createVolumeCommand = (name: string, options: readonly string[]): Argv => [
  'docker',
  'volume',
  'create',
  ...options,
  '--',
  name,
];
export const inspectVolumeCommand = (name: string): Argv => [
  'docker',
  'volume',
  'inspect',
  '--format={{.Name}}',
  '--',
  name,
];
export const connectCommand = (network: string, container: string, options: readonly string[]): Argv => [
  'docker',
  'network',
  'connect',
  ...options,
  '--',
  network,
  container,
];

export const startCommand = (container: string): Argv => ['docker', 'start', '--', container];
export const stopCommand = (container: string, graceMs: number): Argv => [
  'docker',
  'stop',
  '--time',
  String(Math.ceil(graceMs / 1000)),
  '--',
  container,
];
export const unpauseCommand = (container: string): Argv => ['docker', 'unpause', '--', container];
export const renameCommand = (container: string, to: string): Argv => ['docker', 'rename', '--', container, to];

export const logsCommand = (container: string, lines: number): Argv => [
  'docker',
  'logs',
  '--timestamps', // stdout and stderr come apart: their times put them together again
  '--tail',
  String(lines),
  '--',
  container,
];
