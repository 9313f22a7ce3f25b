/**
 * The commands that run on hosts, as argv. Scripts carry their name as `$0` (`sh -c SCRIPT rollout-observe …`), so that
 * a process list on the host says whose they are, and the sandbox knows them without a shell.
 */
export type Argv = readonly string[];

const script = (name: string, text: string, args: readonly string[]): Argv => ['sh', '-c', text.trim(), name, ...args];

export const infoCommand: Argv = ['docker', 'info', '--format', '{{json .}}'];

/**
 * Prints two JSON arrays: containers (those of `names` that exist and all that are labelled `rollout.play`), then
 * images (those that the containers run, and those of `images` that are present). Fails only where docker does.
 */
export const observeCommand = (names: readonly string[], images: readonly string[]): Argv =>
  script(
    'rollout-observe',
    `
ids=$(docker ps -aq --no-trunc --filter label=rollout.play) || exit
names=
while [ "$#" -gt 0 ] && [ "$1" != -- ]; do names="$names $1"; shift; done
shift
containers=$(docker container inspect $names $ids 2>/dev/null)
printf '%s\\n' "\${containers:-[]}"
used=$(printf '%s\\n' "$containers" | grep -o '^        "Image": "sha256:[0-9a-f]*"' | grep -o 'sha256:[0-9a-f]*' | sort -u)
[ -n "$used$*" ] || { echo '[]'; exit 0; }
docker image inspect $used "$@" 2>/dev/null || [ "$?" -eq 1 ]
`,
    [...names, '--', ...images],
  );

export const networksCommand: Argv = ['docker', 'network', 'ls', '--format', '{{.Name}}'];
export const volumesCommand: Argv = ['docker', 'volume', 'ls', '--quiet'];

export const pullCommand = (image: string): Argv => ['docker', 'pull', '--quiet', image];

/** As {@link pullCommand}, with the docker config file (its credentials) on stdin; no trace of it stays on the host. */
export const pullWithConfigCommand = (image: string): Argv =>
  script(
    'rollout-pull',
    `
umask 077
dir=$(mktemp -d /run/rollout-pull.XXXXXX 2>/dev/null || mktemp -d /dev/shm/rollout-pull.XXXXXX) || exit
trap 'rm -rf "$dir"' EXIT
trap 'exit 143' HUP INT TERM
cat >"$dir/config.json"
docker --config "$dir" pull --quiet "$1"
`,
    [image],
  );

export const startCommand = (container: string): Argv => ['docker', 'start', container];
export const stopCommand = (container: string, graceMs: number): Argv => [
  'docker',
  'stop',
  '--time',
  String(Math.ceil(graceMs / 1000)),
  container,
];
export const renameCommand = (container: string, to: string): Argv => ['docker', 'rename', container, to];
export const removeCommand = (container: string): Argv => ['docker', 'rm', '--force', '--volumes', container];
export const updateCommand = (container: string, args: readonly string[]): Argv => [
  'docker',
  'update',
  ...args,
  container,
];
export const logsCommand = (container: string, lines: number): Argv => [
  'docker',
  'logs',
  '--tail',
  String(lines),
  container,
];
