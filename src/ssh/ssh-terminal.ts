import { constants } from 'node:os';
import type { Client, ClientChannel } from 'ssh2';
import { terminalLine } from '../shell/frame.ts';
import type { Terminal, TerminalSize } from './remote.ts';

/** A channel with a pseudo-terminal of the person's kind and size, and the command on it. */
export function openTerminal(client: Client, argv: readonly string[], terminal: Terminal): Promise<ClientChannel> {
  const { rows, columns } = terminal.size();
  return new Promise((resolve, reject) => {
    client.exec(
      terminalLine(argv),
      // RFC 4254: pixels are ignored where rows and columns are given.
      { pty: { term: terminal.kind, rows, cols: columns, width: 0, height: 0 } },
      (error, channel) => (error === undefined ? resolve(channel) : reject(error)),
    );
  });
}

/**
 * Keys to the command and its output back, until it ends.
 * @returns its exit code, 128 + n for one that a signal ended; undefined when the channel closed without one
 * @throws the reason of the terminal's signal
 */
export async function runAtTerminal(channel: ClientChannel, terminal: Terminal): Promise<number | undefined> {
  const { input, output, signal } = terminal;
  let exitCode: number | undefined;
  channel.once('exit', (code: number | null, signalName?: string) => {
    exitCode = code ?? 128 + signalNumber(signalName);
  });
  // A write to a channel that has just closed.
  channel.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => channel.once('close', () => resolve()));
  const resume = (): void => void input.resume();
  const type = (keys: Buffer): void => {
    // What is pasted into a host that does not read waits in the terminal.
    if (!channel.write(keys)) input.pause();
  };
  const hangUp = (): void => {
    channel.end();
    channel.close();
    channel.resume();
  };
  const stopResizing = terminal.onResize(({ rows, columns }: TerminalSize) => channel.setWindow(rows, columns, 0, 0));
  signal.addEventListener('abort', hangUp, { once: true });
  if (signal.aborted) hangUp();
  terminal.enterRawMode();
  input.on('data', type);
  input.once('end', hangUp);
  channel.on('drain', resume);
  channel.on('data', (chunk: Buffer) => terminal.onOutput(chunk));
  channel.pipe(output, { end: false });
  channel.stderr.pipe(output, { end: false });
  try {
    await closed;
    signal.throwIfAborted();
    return exitCode;
  } finally {
    input.off('data', type);
    input.off('end', hangUp);
    channel.off('drain', resume);
    input.pause();
    stopResizing();
    signal.removeEventListener('abort', hangUp);
  }
}

/** Of a name as SSH sends it, without its SIG. */
function signalNumber(name = ''): number {
  const signals: Readonly<Record<string, number>> = constants.signals;
  return signals[name.startsWith('SIG') ? name : `SIG${name}`] ?? constants.signals.SIGTERM;
}
