import { spawnSync } from 'node:child_process';
import { takeSignals } from '../boot/early-signals.ts';
import { RunRefused } from '../engine/context.ts';
import { exitCodes } from '../events/exit-code.ts';
import { TerminalModes } from '../render/terminal-modes.ts';
import type { Terminal, TerminalSize } from '../ssh/remote.ts';
import type { World } from './world.ts';

const smallest: TerminalSize = { rows: 24, columns: 80 };

/**
 * Lends this process's terminal to a command, and has it back as it was, whatever ends the command: its end, a lost
 * connection, a signal, a bug. @returns the command's exit code, 130 where a signal has ended it here
 */
export async function lendTerminal(world: World, use: (terminal: Terminal) => Promise<number>): Promise<number> {
  const { stdin, stdout, stderr, env } = world;
  if (!stdin.isTTY || !stdout.isTTY)
    throw new RunRefused(exitCodes.usage, 'exec -it wants a terminal at stdin and stdout, and there is none', [
      'Without -it the command runs, and its output can go anywhere: rollout exec PLAYBOOK PATTERN -- COMMAND',
    ]);
  const modes = new TerminalModes();
  const left = new AbortController();
  let isRaw = false;
  const restore = (): void => {
    process.off('exit', restore);
    if (!isRaw) return;
    isRaw = false;
    stdin.setRawMode(false);
    const undo = modes.undo();
    if (undo !== '') stdout.write(undo);
  };
  const giveBack = takeSignals((signal) => {
    // With a local command the keys' signals are its own: it is in front, as this process is.
    if (isRaw || signal !== 'SIGINT') left.abort(new LeftBySignal(signal));
  });
  process.on('exit', restore);
  try {
    return await use({
      kind: env['TERM'] ?? 'xterm',
      input: stdin,
      output: stdout,
      size: () => sizeOf(stdout),
      onResize: (listen) => {
        const resized = (): void => listen(sizeOf(stdout));
        stdout.on('resize', resized);
        return () => stdout.off('resize', resized);
      },
      onOutput: (chunk) => modes.note(chunk.toString('latin1')),
      enterRawMode: () => {
        isRaw = true;
        stdin.setRawMode(true);
        passOutputOn();
      },
      signal: left.signal,
    });
  } catch (error) {
    if (!(error instanceof LeftBySignal)) throw error;
    restore();
    stderr.write(`rollout: ${error.message}\n`);
    return exitCodes.interrupted;
  } finally {
    restore();
    giveBack();
    stdin.pause();
  }
}

/** A terminal that does not know its size says 0. */
function sizeOf({ rows, columns }: NodeJS.WriteStream): TerminalSize {
  return { rows: rows > 0 ? rows : smallest.rows, columns: columns > 0 ? columns : smallest.columns };
}

/**
 * Node's raw mode still makes CR and LF of each LF that is printed, and so an editor's screen of steps. Leaving raw mode
 * brings back what was before; without stty the screen is a little less true.
 */
function passOutputOn(): void {
  spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
}

class LeftBySignal extends Error {
  constructor(signal: NodeJS.Signals) {
    super(`the terminal was left at ${signal}; the command has lost its own`);
  }
}
