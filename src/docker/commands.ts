/**
 * The commands that run on hosts, as argv. Scripts carry their name as `$0` (`sh -c SCRIPT rollout-observe …`), so that
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
 * Prints what `docker info` says, the names of all containers as an array, and the documents of those that are labelled
 * `rollout.play`, and of their images, as another. It knows nothing of what a play wants, so that it can go out first.
 */
export const surveyCommand: Argv = script(
  'rollout-survey',
  `
set -f
docker info --format '{{json .}}' || exit
rows=$(docker ps -a --no-trunc --format '{{.ID}} {{.Image}} {{.Names}} {{.Label "rollout.play"}}') || exit
all= ids= images=
while read -r id image names play; do
  [ -n "$id" ] || continue
  all="$all,\\"$names\\""
  [ -n "$play" ] || continue
  ids="$ids $id"
  case " $images " in *" $image "*) ;; *) images="$images $image" ;; esac
done <<EOF
$rows
EOF
printf '[%s]\\n' "\${all#,}"
[ -n "$ids" ] || { echo '[]'; exit; }
docker inspect $ids $images 2>/dev/null || [ "$?" -eq 1 ]
`,
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
 * Prints four JSON arrays: containers (those of `names` that exist and all that are labelled `rollout.play`), images
 * (those that the containers run, and those of `images` that are present), networks and volumes (those that are there).
 * Fails only where docker does. No docker process is started for what nobody asks for.
 */
export const observeCommand = ({ names, images, networks = [], volumes = [] }: Wanted): Argv =>
  script(
    'rollout-observe',
    `
set -f
ids=
[ "$1" = resources ] || ids=$(docker ps -aq --no-trunc --filter label=rollout.play) || exit
shift
for list in names images networks volumes; do
  eval "$list="
  while [ "$#" -gt 0 ] && [ "$1" != -- ]; do eval "$list=\\"\\$$list \\$1\\""; shift; done
  [ "$#" -eq 0 ] || shift
done
present() {
  kind=$1
  shift
  [ "$#" -gt 0 ] || { echo '[]'; return; }
  docker "$kind" inspect "$@" 2>/dev/null || [ "$?" -eq 1 ]
}
containers=
[ -z "$names$ids" ] || containers=$(docker container inspect $names $ids 2>/dev/null)
printf '%s\\n' "\${containers:-[]}"
used=$(printf '%s\\n' "$containers" | grep -o '^        "Image": "sha256:[0-9a-f]*"' | grep -o 'sha256:[0-9a-f]*' | sort -u)
present image $used $images && present network $networks && present volume $volumes
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

export const inspectCommand = (names: readonly string[]): Argv => ['docker', 'container', 'inspect', ...names];

const stepsName = 'rollout-steps';

/**
 * Commands one after the other, up to the first that fails: its exit code and what it says are the script's. Prints the
 * number of each that has ended. That is also how it notices that its connection is gone: nothing is begun then.
 */
export const stepsCommand = (steps: readonly Argv[]): Argv =>
  script(
    stepsName,
    `
step=0
while [ "$#" -gt 0 ]; do
  words=
  at=2
  while [ "$at" -le "$(($1 + 1))" ]; do words="$words \\"\\\${$at}\\""; at=$((at + 1)); done
  said=$(eval "$words" 2>&1 >/dev/null </dev/null) || { code=$?; printf '%s\\n' "$said" >&2; exit "$code"; }
  step=$((step + 1))
  echo "$step" || exit
  shift "$(($1 + 1))"
done
`,
    steps.flatMap((words) => [String(words.length), ...words]),
  );

/** The commands of a {@link stepsCommand}; undefined for any other. */
export function stepsOf([, , , name, ...args]: Argv): readonly Argv[] | undefined {
  if (name !== stepsName) return undefined;
  const steps: Argv[] = [];
  for (let at = 0; at < args.length;) {
    const end = at + 1 + Number(args[at]);
    steps.push(args.slice(at + 1, end));
    at = end;
  }
  return steps;
}

const platformOption = (platform: string | undefined): readonly string[] =>
  platform === undefined ? [] : [`--platform=${platform}`];

export const pullCommand = (image: string, platform?: string): Argv => [
  'docker',
  'pull',
  '--quiet',
  ...platformOption(platform),
  image,
];

/**
 * As {@link pullCommand}, with the docker config file (its credentials) on stdin; no trace of it stays on the host. The
 * login's own config folder says which daemon is meant (a context, the one of rootless docker for instance, and the
 * certificates for it): all of that goes along.
 */
export const pullWithConfigCommand = (image: string, platform?: string): Argv =>
  script(
    'rollout-pull',
    `
umask 077
dir=$(mktemp -d /run/rollout-pull.XXXXXX 2>/dev/null || mktemp -d /dev/shm/rollout-pull.XXXXXX) || exit
trap 'rm -rf "$dir"' EXIT
trap 'exit 143' HUP INT TERM
cat >"$dir/config.json" || exit
own=\${DOCKER_CONFIG:-$HOME/.docker}
context=$(docker context inspect --format '{{.Name}}' 2>/dev/null) || context=default
[ ! -d "$own/contexts" ] || ln -s "$own/contexts" "$dir/contexts" || exit
export DOCKER_CERT_PATH="\${DOCKER_CERT_PATH:-$own}"
case $context in
  default) docker --config "$dir" pull --quiet "$@" ;;
  *) docker --config "$dir" --context "$context" pull --quiet "$@" ;;
esac
`,
    [...platformOption(platform), image],
  );

/** `docker create` of a service. Every option is one word. `--pull=never`: images were brought before, with credentials that are gone by now. */
export const createCommand = (
  container: string,
  options: readonly string[],
  image: string,
  words: readonly string[],
): Argv => ['docker', 'create', `--name=${container}`, '--pull=never', ...options, image, ...words];

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

/** Removes files below `folder` that no container mounts. A folder that is not there has none. */
export const sweepFilesCommand = (folder: string): Argv =>
  script(
    'rollout-sweep',
    `
[ -d "$1" ] || exit 0
ids=$(docker ps -aq --no-trunc) || exit
used=$([ -z "$ids" ] || docker container inspect --format '{{range .Mounts}}{{println .Source}}{{end}}' $ids 2>/dev/null)
find "$1" -type f -mmin +1 | while IFS= read -r file; do
  printf '%s\\n' "$used" | grep -qxF -- "$file" || rm -f -- "$file"
done
find "$1" -mindepth 1 -type d -empty -delete
`,
    [folder],
  );

export const createNetworkCommand = (name: string, options: readonly string[]): Argv => [
  'docker',
  'network',
  'create',
  ...options,
  name,
];
export const inspectNetworksCommand = (names: readonly string[]): Argv => [
  'docker',
  'network',
  'inspect',
  '--format={{.Name}}',
  ...names,
];
export const createVolumeCommand = (name: string, options: readonly string[]): Argv => [
  'docker',
  'volume',
  'create',
  ...options,
  name,
];
export const inspectVolumeCommand = (name: string): Argv => ['docker', 'volume', 'inspect', '--format={{.Name}}', name];
export const connectCommand = (network: string, container: string, options: readonly string[]): Argv => [
  'docker',
  'network',
  'connect',
  ...options,
  network,
  container,
];

export const startCommand = (container: string): Argv => ['docker', 'start', container];
export const stopCommand = (container: string, graceMs: number): Argv => [
  'docker',
  'stop',
  '--time',
  String(Math.ceil(graceMs / 1000)),
  container,
];
export const unpauseCommand = (container: string): Argv => ['docker', 'unpause', container];
export const renameCommand = (container: string, to: string): Argv => ['docker', 'rename', container, to];

export const logsCommand = (container: string, lines: number): Argv => [
  'docker',
  'logs',
  '--timestamps', // stdout and stderr come apart: their times put them together again
  '--tail',
  String(lines),
  container,
];
