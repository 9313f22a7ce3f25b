import { parseParts, partFunction } from '../shell/parts.ts';
import { leanClient, script, surveyContainers, type Argv } from './commands.ts';
import { parseInfo } from './info.ts';
import type { Room } from './observed.ts';
import type { Document } from './present.ts';
import { parseRoom, roomFunction } from './room.ts';
import { UnreadableAnswer } from './unreadable.ts';

/** What rollout's scripts call on hosts, beside the shell's own. */
const tools = ['flock', 'timeout', 'head', 'dd', 'grep', 'sort', 'find', 'mktemp', 'df'];

/** Characters that shells tell apart. */
export const trickyWord = `a'b"c\\d$HOME !e#f*g?h~i;j&k|l<m>n(o)p{q}r\`s\tt%u`;

/**
 * Prints, in parts: what came of a word that is hard to quote, which of the commands are missing, and all that
 * `surveyCommand` prints, with the room in docker's folder between. So it costs a host no docker process more than a
 * survey: everything else is the shell's own, but for one `stat`.
 */
export const checkupCommand: Argv = script(
  'rollout-checkup',
  `
set -f; ${leanClient}${partFunction}${roomFunction}
put() { printf '\\036%s\\n%s\\n\\0360 \\n' "$1" "$2"; }
put word "$1"
shift
missing=
for each; do command -v "$each" >/dev/null 2>&1 || missing="$missing $each"; done
put tools "$missing"
info=$(part info docker info --format '{{json .}}'; exit "$code")
code=$?
printf '%s\\n' "$info"
[ "$code" -eq 0 ] || exit 0
root= fields=$IFS
IFS=,
for each in $info; do
  case $each in '"DockerRootDir":"'*) root=\${each#*:\\"} ;; esac
done
IFS=$fields
root=\${root%%\\"*}
part room room "$root"${surveyContainers}`,
  [trickyWord, ...tools],
);

export interface Checkup {
  /** The clock of the host's docker, epoch milliseconds; undefined where it does not tell. */
  readonly timeMs: number | undefined;
  /** `docker info`. */
  readonly info: Document;
  readonly missingTools: readonly string[];
  readonly isWordWhole: boolean;
  /** `unknown`: it was asked of another folder than docker has. */
  readonly room: Room | undefined | 'unknown';
}

/** What {@link checkupCommand} has printed beside its survey. @throws as {@link parseInfo} */
export function parseCheckup(stdout: string): Checkup {
  const parts = parseParts(stdout);
  const [word, missing, info] = ['word', 'tools', 'info'].map((name) => parts?.get(name));
  if (word === undefined || missing === undefined || info === undefined)
    throw new UnreadableAnswer('the answer of the host', stdout);
  const told = parseInfo(info);
  const { SystemTime: time, DockerRootDir: folder } = told;
  const timeMs = Date.parse(String(time));
  const room = parts?.get('room')?.stdout ?? '';
  return {
    timeMs: Number.isNaN(timeMs) ? undefined : timeMs,
    info: told,
    missingTools: missing.stdout.split(/\s+/).filter((name) => name !== ''),
    isWordWhole: word.stdout === `${trickyWord}\n`,
    // JSON escapes what the shell takes as it stands, and a comma ends it there.
    room: room.startsWith(`folder ${String(folder)}\n`) ? parseRoom(room) : 'unknown',
  };
}

/** As the user who logs in: prints the login shell. */
export const loginShellCommand: Argv = script('rollout-login', `printf %s "\${SHELL:-?}"`, []);
