import { parseParts, partFunction } from '../shell/parts.ts';
import { script, type Argv } from './commands.ts';
import { parseInfo } from './info.ts';
import type { Document } from './present.ts';
import { UnreadableAnswer } from './unreadable.ts';

/** What rollout's scripts call on hosts, beside the shell's own. */
const tools = ['flock', 'timeout', 'head', 'dd', 'grep', 'sort', 'find', 'mktemp', 'df'];

/** Prints, in parts, what `docker info` says, the time, and which of the commands are missing. */
export const checkupCommand: Argv = script(
  'rollout-checkup',
  `
set -f${partFunction}
part time date +%s
part info docker info --format '{{json .}}'
missing=
for each; do command -v "$each" >/dev/null 2>&1 || missing="$missing $each"; done
part tools echo "$missing"
`,
  tools,
);

export interface Checkup {
  /** The host's clock, epoch milliseconds, to the second. */
  readonly timeMs: number;
  /** `docker info`. */
  readonly info: Document;
  readonly missingTools: readonly string[];
}

/** What {@link checkupCommand} has printed. @throws as {@link parseInfo} */
export function parseCheckup(stdout: string): Checkup {
  const parts = parseParts(stdout);
  const [time, info, missing] = ['time', 'info', 'tools'].map((name) => parts?.get(name));
  if (time === undefined || info === undefined || missing === undefined || !/^\d+\s*$/.test(time.stdout))
    throw new UnreadableAnswer('the answer of the host', stdout);
  return {
    timeMs: Number(time.stdout) * 1000,
    info: parseInfo(info),
    missingTools: missing.stdout.split(/\s+/).filter((word) => word !== ''),
  };
}

/** Characters that shells tell apart. */
export const trickyWord = `a'b"c\\d$HOME !e#f*g?h~i;j&k|l<m>n(o)p{q}r\`s\tt%u`;

/** As the user who logs in: prints what came of a word that is hard to quote, then what a login of the shell prints by itself. */
export const loginCommand: Argv = script(
  'rollout-login',
  `
printf '%s\\036' "$1" "\${SHELL:-?}"
env -u SHLVL "\${SHELL:-sh}" -c : </dev/null 2>&1 | head -c 500
`,
  [trickyWord],
);

/** What {@link loginCommand} has printed. */
export function parseLogin(stdout: string): { readonly word: string; readonly shell: string; readonly noise: string } {
  const [word = '', shell = '', noise = ''] = stdout.split('\x1e');
  return { word, shell, noise };
}
