import { quoteArgv } from './quote.ts';

/** What a framed command prints around its own output: on stdout its begin, its end and its exit code; on stderr the first two. */
export interface FrameMarks {
  readonly stdout: StreamMarks;
  readonly stderr: StreamMarks;
}

export interface StreamMarks {
  readonly begin: string;
  readonly end: string;
  /** What ends the end: on stdout the exit code stands before it. */
  readonly last: string;
}

/** Two halves that no other command has, of letters and digits. They are printed together only by the command itself. */
export type FrameKey = readonly [first: string, second: string];

export function frameMarks([first, second]: FrameKey): FrameMarks {
  // Its first character is a rare one: what ends with it is held back until more has come.
  const key = `~${first}-${second}`;
  return {
    stdout: { begin: `${key}(`, end: `${key})`, last: ';' },
    stderr: { begin: `${key}[`, end: `${key}]`, last: '' },
  };
}

/** Without a single quote, a backslash, an exclamation mark or a line break: see {@link framedLine}. */
const frame =
  'printf %s "~$1-$2("; printf %s "~$1-$2[" >&2; eval "$(printf %b "$3")"; c=$?; printf %s "~$1-$2]" >&2; printf %s "~$1-$2)$c;"; exit "$c"';
const frameName = 'rollout-frame';

/**
 * A command as one line that every login shell reads alike, and that says where its output begins and ends.
 *
 * sshd hands the line to the user's shell. Shells differ in what single quotes protect: fish reads `\\` in them as one
 * backslash, csh reads `!` and stops at a line break. So these characters go as octal numbers, the rest stands as it is,
 * and `sh` turns it back. What a login script or a forced command prints stands outside the marks. Those are put
 * together by `sh`, so that a shell that prints the line itself (`set -x`) prints no mark.
 */
export function framedLine(argv: readonly string[], [first, second]: FrameKey): string {
  return `sh -c '${frame}' ${frameName} ${first} ${second} '${encode(quoteArgv(argv))}'`;
}

/** What {@link framedLine} was made from, of the words that a shell makes of it; undefined for any other command. */
export function unframe(words: readonly string[]): { readonly key: FrameKey; readonly line: string } | undefined {
  const [shell, option, text, name, first = '', second = '', encoded = ''] = words;
  if (shell !== 'sh' || option !== '-c' || text !== frame || name !== frameName) return undefined;
  return { key: [first, second], line: decode(encoded) };
}

/** Runs its argument in its own place, so that a terminal's keys and signals reach the command itself. */
const atTerminal = 'eval "exec $(printf %b "$1")"';
const atTerminalName = 'rollout-terminal';

/** As {@link framedLine} for a command that has a terminal to itself: without marks around what it prints. */
export function terminalLine(argv: readonly string[]): string {
  return `sh -c '${atTerminal}' ${atTerminalName} '${encode(quoteArgv(argv))}'`;
}

/** What {@link terminalLine} was made from; undefined for any other command. */
export function terminalCommand(words: readonly string[]): string | undefined {
  const [shell, option, text, name, encoded = ''] = words;
  return shell === 'sh' && option === '-c' && text === atTerminal && name === atTerminalName
    ? decode(encoded)
    : undefined;
}

/** With one look at all of it: a run sends some kilobytes to each of its hosts. */
function encode(line: string): string {
  return Buffer.from(line).toString('latin1').replace(unsafe, octal);
}

const unsafe = /[^ -~]|['\\!]/g;
/** As `printf %b` reads it. */
const octal = (byte: string): string => `\\0${byte.charCodeAt(0).toString(8).padStart(3, '0')}`;

function decode(encoded: string): string {
  const bytes = encoded.replace(/\\0([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
  return Buffer.from(bytes, 'latin1').toString();
}
