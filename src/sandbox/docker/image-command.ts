import type { Process } from '../container/process.ts';
import type { SimpleCommand } from '../command/simple-command.ts';
import { splitEnv } from './command-line.ts';

/** What a command in a container sees of it. */
export interface Inside {
  readonly process: Process | undefined;
  readonly env: readonly string[];
  readonly hostname: string;
}

const defaultPort = 8080;

/** The programs of the sandbox's images besides those that every host has: `/app --check`, `wget`, `env`, `hostname`. */
export function imageCommand(words: readonly string[], inside: Inside): SimpleCommand | undefined {
  const [program = '', ...args] = words;
  switch (program) {
    case '/app':
      return args[0] === '--check' ? ask(inside, portOf(inside), args[1] ?? '/health') : undefined;
    case 'wget': {
      const url = /^http:\/\/(?:localhost|127\.0\.0\.1)(?::(\d+))?(\/\S*)?$/.exec(args.at(-1) ?? '');
      return url === null ? undefined : ask(inside, Number(url[1] ?? 80), url[2] ?? '/');
    }
    case 'env':
      return print(`${inside.env.join('\n')}\n`);
    case 'hostname':
      return print(`${inside.hostname}\n`);
    default:
      return undefined;
  }
}

function portOf({ env }: Inside): number {
  const entry = env.find((candidate) => candidate.startsWith('APP_PORT='));
  return entry === undefined ? defaultPort : Number(splitEnv(entry)[1]);
}

function ask({ process }: Inside, port: number, path: string): SimpleCommand {
  return () => {
    const status = process?.check(port, path);
    const isGood = status !== undefined && status >= 200 && status < 300;
    const said =
      status === undefined ? `cannot connect to port ${port}: Connection refused` : `${path} answered ${status}`;
    return Promise.resolve({ exitCode: isGood ? 0 : 1, stdout: `${said}\n`, stderr: '' });
  };
}

const print =
  (stdout: string): SimpleCommand =>
  () =>
    Promise.resolve({ exitCode: 0, stdout, stderr: '' });
