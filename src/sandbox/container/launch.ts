import type { Socket } from 'node:net';
import { simpleCommand, type SimpleCommand } from '../command/simple-command.ts';
import { refused } from './http-endpoint.ts';
import type { Process, ProcessContext } from './process.ts';
import { WebApp } from './web-app.ts';

/** Starts the program; undefined when the image has no such file. */
export function launch(context: ProcessContext): Process | undefined {
  const [program = '', ...args] = context.argv;
  if (program === '/app' && args.length === 0) return new WebApp(context);
  const command = simpleCommand(context.argv, context.clock);
  return command === undefined ? undefined : new CommandProcess(command, context.log);
}

/** A command without sockets: `sleep 1000`, `false`. As a container's first process it has no default signal action. */
class CommandProcess implements Process {
  readonly exited: Promise<number>;
  readonly #killed = new AbortController();

  constructor(command: SimpleCommand, log: ProcessContext['log']) {
    const killed = new Promise<number>((resolve) =>
      this.#killed.signal.addEventListener('abort', () => resolve(137), { once: true }),
    );
    const ran = command(this.#killed.signal).then(({ exitCode, stdout, stderr }) => {
      for (const line of lines(stdout)) log('stdout', line);
      for (const line of lines(stderr)) log('stderr', line);
      return exitCode;
    });
    this.exited = Promise.race([killed, ran]);
  }

  kill(signal: string): void {
    if (signal === 'SIGKILL') this.#killed.abort();
  }

  listensOn(): boolean {
    return false;
  }

  connect(): Promise<Socket> {
    return Promise.reject(refused());
  }

  check(): undefined {
    return undefined;
  }

  freeze(): void {}
  thaw(): void {}
}

const lines = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));
