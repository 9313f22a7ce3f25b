import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';

export interface OnTerminal {
  readonly exited: Promise<number | null>;
  type(keys: string): void;
  /** What was printed, without colours and cursor movements. */
  text(): string;
  /** As it was printed. */
  raw(): string;
  /** Resolves when it has been printed; rejects when the program ends first. */
  said(words: string): Promise<void>;
}

/** Runs a program on a real terminal, util-linux's `script` being its other end. */
export function onTerminal(argv: readonly string[], cwd: string): OnTerminal {
  const line = argv.map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
    cwd,
    env: { ...process.env, TERM: 'xterm', COLUMNS: '100', LINES: '40' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let printed = '';
  const listeners = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
    for (const listen of listeners) listen();
  });
  const text = (): string => stripVTControlCharacters(printed).replaceAll('\r', '\n');
  const exited = new Promise<number | null>((resolve) => child.once('close', (exitCode) => resolve(exitCode)));
  return {
    exited,
    text,
    raw: () => printed,
    type: (keys) => void child.stdin.write(keys),
    said: (words) =>
      new Promise((resolve, reject) => {
        const listen = (): void => {
          if (text().includes(words)) resolve();
        };
        listeners.add(listen);
        listen();
        void exited.then(() => reject(new Error(`it ended without ${words}:\n${text()}`)));
      }),
  };
}

/** Of a terminal in which `tty` was the first to print. */
export function deviceOf(terminal: OnTerminal): string {
  return /^\/dev\/pts\/\d+$/m.exec(terminal.text())?.[0] ?? '';
}

/** Whether `stty -g` has said the same at the end as at the beginning. */
export function settingsOf(terminal: OnTerminal): {
  readonly before: string | undefined;
  readonly isRestored: boolean;
} {
  const [before, after, ...others] = terminal.text().match(/[0-9a-f]+(?::[0-9a-f]+){10,}$/gm) ?? [];
  return { before, isRestored: before !== undefined && before === after && others.length === 0 };
}
