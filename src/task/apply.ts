import type { Access } from './access.ts';
import type { Result, TaskHost } from './module.ts';
import type { CommandResult } from './query.ts';

/** Commands one after the other in one round trip, up to the first that fails. @throws Error with what that says */
export async function carryOut(host: TaskHost, commands: readonly (readonly string[])[]): Promise<void> {
  if (commands.length === 0) return;
  const words = commands.flatMap((argv) => [String(argv.length), ...argv]);
  assertDone(await host.run(['sh', '-c', applyScript, 'rollout-apply', ...words]));
}

/** @throws Error with what the command says */
export function assertDone({ exitCode, stdout, stderr }: CommandResult): void {
  if (exitCode === 0) return;
  throw new Error(stderr.trim() || stdout.trim() || `exit code ${exitCode}`);
}

const applyScript = `
while [ "$#" -gt 0 ]; do
  words=
  word=2
  while [ "$word" -le "$(($1 + 1))" ]; do words="$words \\"\\\${$word}\\""; word=$((word + 1)); done
  eval "$words" </dev/null || exit
  shift "$(($1 + 1))"
done`.trim();

export interface FileWrite extends Access {
  readonly content: Buffer;
  /** Keep the file that was there beside the new one. */
  readonly backup: boolean;
  /** A command that must accept the new file, `%s`, before it takes its place. */
  readonly validate?: readonly string[] | undefined;
}

/**
 * Writes a file so that it is there whole or not at all: beside its place, with its owner and mode, then renamed. What it
 * replaces gives it owner and mode where the task gives none. The content goes through stdin.
 * @throws Error with what the host says
 */
export async function writeFile(host: TaskHost, path: string, write: FileWrite): Promise<Result> {
  const { content, backup, validate = [], owner = '', group = '', mode = '' } = write;
  const argv = ['sh', '-c', putScript, 'rollout-put', path, backup ? 'backup' : '', owner, group, mode, ...validate];
  const answer = await host.run(argv, { stdin: content });
  assertDone(answer);
  const kept = /^backup (.*)$/m.exec(answer.stdout)?.[1];
  return kept === undefined ? {} : { backup_file: kept };
}

const putScript = `
dest=$1 backup=$2 owner=$3 group=$4 mode=$5
shift 5
[ -d "$dest" ] && [ ! -h "$dest" ] && { echo "$dest is a directory" >&2; exit 1; }
usual=$(printf '%o' "$((0666 & ~0$(umask)))")
umask 077
new=$(mktemp "$(dirname -- "$dest")/.rollout.XXXXXXXX") || exit
trap 'rm -f -- "$new"' EXIT
cat > "$new" || exit
if [ "$#" -gt 0 ]; then
  words=
  for word; do
    case $word in *%s*) word=\${word%%%s*}$new\${word#*%s} ;; esac
    set -- "$@" "$word"
    shift
  done
  said=$("$@" 2>&1 </dev/null) || { code=$?; printf 'failed to validate: rc:%s error:%s\\n' "$code" "$said" >&2; exit 1; }
fi
if [ -f "$dest" ] && [ ! -h "$dest" ]; then
  : "\${owner:=$(stat -c %u -- "$dest")}" "\${group:=$(stat -c %g -- "$dest")}"
  chmod -- "$(stat -c %a -- "$dest")" "$new" || exit
else
  chmod -- "$usual" "$new" || exit
fi
mine=$(stat -c %u:%g -- "$new")
[ -z "$owner$group" ] || [ "$owner:$group" = "$mine" ] || chown -- "$owner\${group:+:$group}" "$new" || exit
[ -z "$mode" ] || chmod -- "$mode" "$new" || exit
if [ -n "$backup" ] && [ -e "$dest" ]; then
  kept=$dest.$$.$(date '+%Y-%m-%d@%H:%M:%S')~
  cp -p -- "$dest" "$kept" || exit
  printf 'backup %s\\n' "$kept"
fi
[ ! -h "$dest" ] || [ ! -d "$dest" ] || rm -- "$dest" || exit
mv -f -- "$new" "$dest"`.trim();
