import { plainWords } from './plain-words.ts';
import type { PseudoTerminal } from './pseudo-terminal.ts';

/** What the shell starts a command by; the signal is Ctrl-C's. Resolves to its exit code. */
type RunWords = (words: readonly string[], signal: AbortSignal) => Promise<number>;

const interruptedExitCode = 130;

/** `sh` at a terminal: a prompt, a line, a command, until `exit` or the end of input. Resolves to its exit code. */
export async function interactiveShell(terminal: PseudoTerminal, run: RunWords): Promise<number> {
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
    last = await runLine(terminal, words, run);
  }
}

async function runLine(terminal: PseudoTerminal, words: readonly string[], run: RunWords): Promise<number> {
  if (words.join(' ') === 'stty size') {
    terminal.print(`${terminal.rows} ${terminal.columns}\n`);
    return 0;
  }
  const exitCode = await run(words, terminal.interrupted);
  return terminal.interrupted.aborted ? interruptedExitCode : exitCode;
}

function whenAborted(signal: AbortSignal): Promise<'interrupted'> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve('interrupted'), { once: true }));
}
