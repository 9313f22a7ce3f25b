import type { Clock } from '../../model/clock.ts';
import { slept } from '../timing.ts';

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type SimpleCommand = (signal: AbortSignal) => Promise<CommandResult>;

const result = (exitCode: number, stdout = '', stderr = ''): CommandResult => ({ exitCode, stdout, stderr });
const done = (exitCode: number, stdout = '', stderr = ''): SimpleCommand => {
  const outcome = Promise.resolve(result(exitCode, stdout, stderr));
  return () => outcome;
};

/** Knows further programs. */
type Resolve = (argv: readonly string[]) => SimpleCommand | undefined;
const none: Resolve = () => undefined;

/**
 * The programs that every host and image has: `true false echo sleep exit`, and `sh -c` of a list of them joined by
 * `;`, `&&` and `||`. Undefined for any other.
 */
export function simpleCommand(argv: readonly string[], clock: Clock, also: Resolve = none): SimpleCommand | undefined {
  const [program = '', ...args] = argv;
  switch (program.replace(/^(?:\/usr)?\/bin\//, '')) {
    case 'busybox':
      return simpleCommand(args, clock, also);
    case 'true':
    case ':':
      return done(0);
    case 'false':
      return done(1);
    case 'echo':
      return done(0, `${args.join(' ')}\n`);
    case 'exit':
      return done(Number(args[0] ?? 0));
    case 'sleep':
      return sleep(args[0] ?? '', clock);
    case 'sh':
      return args[0] === '-c' && args[1] !== undefined ? list(args[1], clock, also) : undefined;
    default:
      return also(argv);
  }
}

function sleep(seconds: string, clock: Clock): SimpleCommand {
  if (!/^\d+(?:\.\d+)?$/.test(seconds)) return done(1, '', `sleep: invalid time interval '${seconds}'\n`);
  return async (signal) => result((await slept(clock, Number(seconds) * 1000, signal)) ? 0 : 137);
}

/** `a; b && c || d`, left to right; `>&2` at a command's end sends its output to stderr. No quotes, no variables. */
function list(text: string, clock: Clock, also: Resolve): SimpleCommand {
  const parts = text.trim().split(/\s*(;|&&|\|\||\n)\s*/);
  return async (signal) => {
    let last = result(0);
    let stdout = '';
    let stderr = '';
    for (let index = 0; index < parts.length; index += 2) {
      const operator = index === 0 ? ';' : parts[index - 1];
      if ((operator === '&&' && last.exitCode !== 0) || (operator === '||' && last.exitCode === 0)) continue;
      const words = (parts[index] ?? '').split(/\s+/).filter((word) => word !== '');
      if (words.length === 0) continue;
      const toStderr = words.at(-1) === '>&2';
      if (toStderr) words.pop();
      last = await (simpleCommand(words, clock, also) ?? done(127, '', `sh: 1: ${words[0] ?? ''}: not found\n`))(
        signal,
      );
      stdout += toStderr ? '' : last.stdout;
      stderr += last.stderr + (toStderr ? last.stdout : '');
      if (words[0] === 'exit') break;
    }
    return result(last.exitCode, stdout, stderr);
  };
}
