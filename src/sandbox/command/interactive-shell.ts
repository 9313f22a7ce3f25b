import type { CommandIo } from '../docker-cli/context.ts';
import { plainWords } from './plain-words.ts';

/** What the shell starts a command by. Resolves to its exit code. */
type RunWords = (io: CommandIo, words: readonly string[]) => Promise<number>;

/** `sh` at a terminal: a prompt, a line, a command, until `exit` or the end of input. Resolves to its exit code. */
export async function interactiveShell(io: CommandIo, run: RunWords): Promise<number> {
  const { terminal } = io;
  if (terminal === undefined) return 0;
  let last = 0;
  for (;;) {
    terminal.resume();
    terminal.print('$ ');
    const line = await Promise.race([terminal.stdin.readLine(), whenAborted(terminal.interrupted)]);
    if (line === 'interrupted') continue;
    if (line === undefined) return last;
    const words = plainWords(line) ?? [];
    if (words.length === 0) continue;
    if (words[0] === 'exit') return Number(words[1] ?? last);
    last = await runLine({ ...io, signal: AbortSignal.any([io.signal, terminal.interrupted]) }, words, run);
  }
}

async function runLine(io: CommandIo, words: readonly string[], run: RunWords): Promise<number> {
  const { terminal } = io;
  if (words.join(' ') === 'stty size') {
    terminal?.print(`${terminal.rows} ${terminal.columns}\n`);
    return 0;
  }
  const exitCode = await run(io, words);
  return terminal?.interrupted.aborted === true ? 130 : exitCode;
}

function whenAborted(signal: AbortSignal): Promise<'interrupted'> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve('interrupted'), { once: true }));
}
