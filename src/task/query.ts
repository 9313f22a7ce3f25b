import { quoteArgv } from '../shell/quote.ts';
import { partFunction, parseParts } from '../shell/parts.ts';

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Something that a module wants to know of a host. All that are asked at once are answered in one round trip. */
export type Query = CommandQuery | PathQuery;

export interface CommandQuery {
  readonly kind: 'command';
  readonly argv: readonly string[];
  /** It is asked on its own then. Its words must tell which bytes these are: by them the answer is known. */
  readonly stdin?: Uint8Array;
}

export interface PathQuery {
  readonly kind: 'path';
  readonly path: string;
  /** What a symbolic link leads to, and not the link. */
  readonly follow?: true;
  /** Of a regular file, its content with its checksum. */
  readonly wants?: 'checksum' | 'content';
}

export interface PathFacts {
  readonly type: 'file' | 'directory' | 'link' | 'other';
  /** Octal digits: `644`, `1777`. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** Empty where the host has no name for it. */
  readonly owner: string;
  readonly group: string;
  readonly bytes: number;
  readonly modifiedSeconds: number;
  readonly inode: number;
  readonly links: number;
  /** Of a link. */
  readonly target: string | undefined;
  /** SHA-1, as Ansible has it; undefined where it was not asked for or cannot be read. */
  readonly checksum: string | undefined;
  readonly content: Buffer | undefined;
}

/** The answers to queries. */
export class Found {
  readonly #answers: ReadonlyMap<string, CommandResult>;

  constructor(answers: ReadonlyMap<string, CommandResult>) {
    this.#answers = answers;
  }

  /** All of their answers. */
  static of(parts: readonly Found[]): Found {
    return new Found(new Map(parts.flatMap((part) => [...part.#answers])));
  }

  command(argv: readonly string[]): CommandResult {
    return this.#answer({ kind: 'command', argv });
  }

  /** Undefined where there is nothing. @throws Error where it cannot be told */
  path(query: Omit<PathQuery, 'kind'>): PathFacts | undefined {
    const { exitCode, stdout, stderr } = this.#answer({ ...query, kind: 'path' });
    if (exitCode === absent) return undefined;
    if (exitCode !== 0) throw new Error(`${query.path} cannot be read: ${stderr.trim() || `exit code ${exitCode}`}`);
    return parsePath(stdout);
  }

  #answer(query: Query): CommandResult {
    const answer = this.#answers.get(keyOf(query));
    if (answer === undefined) throw new Error(`the host was not asked for ${keyOf(query)}`);
    return answer;
  }
}

export const keyOf = (query: Query): string => JSON.stringify(wordsOf(query));

/** A folder that is made first, as it will be found. */
export const newFolder: PathFacts = {
  type: 'directory',
  mode: '755',
  uid: 0,
  gid: 0,
  owner: '',
  group: '',
  bytes: 0,
  modifiedSeconds: 0,
  inode: 0,
  links: 0,
  target: undefined,
  checksum: undefined,
  content: undefined,
};

/** Exit code of a path that is not there. */
const absent = 44;

/**
 * `rollout-read COUNT WORD… COUNT WORD…`: each a command, or `path FLAGS PATH`; prints their output in parts `q0 q1 …`.
 * Nothing is written, and a failure is an answer.
 */
export function readCommand(queries: readonly Query[]): {
  readonly argv: readonly string[];
  readonly stdin: string | undefined;
} {
  const words = queries.map(wordsOf).flatMap((argv) => [String(argv.length), ...argv]);
  const quoted = quoteArgv(words);
  // Linux takes 128 KiB for a word, and the whole line is one for the shell that sshd starts.
  if (quoted.length < 60_000) return { argv: ['sh', '-c', readScript, 'rollout-read', ...words], stdin: undefined };
  return { argv: ['sh', '-c', `eval "set -- $(cat)"\n${readScript}`, 'rollout-read', '-'], stdin: quoted };
}

const readScript = `${partFunction}
path() {
  follow=
  case $1 in *f*) follow=-L ;; esac
  if [ -n "$follow" ]; then [ -e "$2" ]; else [ -e "$2" ] || [ -h "$2" ]; fi || {
    parent=$2
    while [ ! -e "$parent" ] && [ "$parent" != / ] && [ "$parent" != . ]; do parent=$(dirname -- "$parent"); done
    [ ! -d "$parent" ] || [ -x "$parent" ] || { echo "$parent: permission denied" >&2; return 1; }
    return ${absent}
  }
  stat $follow -c 's:%F|%a|%u|%g|%U|%G|%s|%Y|%i|%h' -- "$2" || return 1
  [ -n "$follow" ] || [ ! -h "$2" ] || { printf l:; readlink -n -- "$2" | base64 | tr -d '\\n'; echo; return 0; }
  [ -f "$2" ] && [ -r "$2" ] || return 0
  case $1 in *[cb]*) printf c:; sha1sum < "$2" | cut -d ' ' -f 1 ;; esac
  case $1 in *b*) printf b:; base64 < "$2" | tr -d '\\n'; echo ;; esac
}
at=0
while [ "$#" -gt 0 ]; do
  words=
  word=2
  while [ "$word" -le "$(($1 + 1))" ]; do words="$words \\"\\\${$word}\\""; word=$((word + 1)); done
  eval "part q$at $words" </dev/null
  shift "$(($1 + 1))"
  at=$((at + 1))
done`;

/** Undefined where the answer is not whole. */
export function parseFound(queries: readonly Query[], stdout: string): ReadonlyMap<string, CommandResult> | undefined {
  const parts = parseParts(stdout);
  if (parts === undefined) return undefined;
  const answers = new Map<string, CommandResult>();
  for (const [index, query] of queries.entries()) {
    const part = parts.get(`q${index}`);
    if (part === undefined) return undefined;
    answers.set(keyOf(query), part);
  }
  return answers;
}

function wordsOf(query: Query): readonly string[] {
  if (query.kind === 'command') return query.argv;
  const wants = query.wants === undefined ? '' : query.wants === 'content' ? 'b' : 'c';
  return ['path', `-${query.follow === true ? 'f' : ''}${wants}`, query.path];
}

function parsePath(text: string): PathFacts {
  const lines = new Map(text.split('\n').map((line) => [line.slice(0, 2), line.slice(2)]));
  const [kind = '', mode = '', uid, gid, owner = '', group = '', bytes, modified, inode, links] = (
    lines.get('s:') ?? ''
  ).split('|');
  const target = lines.get('l:');
  const content = lines.get('b:');
  const checksum = lines.get('c:');
  return {
    type: typeOf(kind),
    mode,
    uid: Number(uid),
    gid: Number(gid),
    owner: owner === 'UNKNOWN' ? '' : owner,
    group: group === 'UNKNOWN' ? '' : group,
    bytes: Number(bytes),
    modifiedSeconds: Number(modified),
    inode: Number(inode),
    links: Number(links),
    target: target === undefined ? undefined : Buffer.from(target, 'base64').toString(),
    checksum: checksum === '' ? undefined : checksum,
    content: content === undefined ? undefined : Buffer.from(content, 'base64'),
  };
}

function typeOf(kind: string): PathFacts['type'] {
  if (kind.startsWith('regular')) return 'file';
  if (kind === 'directory') return 'directory';
  return kind === 'symbolic link' ? 'link' : 'other';
}
