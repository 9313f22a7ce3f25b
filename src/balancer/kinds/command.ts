import { execFile, type ExecFileException } from 'node:child_process';
import * as z from 'zod';
import { must, text } from '../../schema/values.ts';
import { answerWords, parseAnswer } from '../answer.ts';
import { port, server } from '../keys.ts';
import { balancerKind } from '../kind.ts';
import { readEach, readServers } from '../read.ts';

const commandTimeoutMs = 10_000;

interface Settings {
  readonly command: readonly string[];
  /** Of the playbook: the command runs there, so that its paths are those that the playbook's author sees. */
  readonly folder: string;
}

/** A balancer behind a command at the controller that is asked server by server: the name is its last argument. */
export const commandBalancer = balancerKind({
  type: 'command',
  schema: z.strictObject({
    type: z.literal('command'),
    command: z
      .array(text, must('a list of words'))
      .min(1, must('a list of words'))
      .describe(
        `Runs at the controller, in the playbook's folder, with the server's name as last word; prints ${answerWords}.`,
      ),
    server,
    port,
  }),
  settle: ({ command }, { folder }): Settings => ({ command, folder }),
  open: (settings, { servers, now, close }) => ({
    read: (signal) =>
      readEach([{ name: settings.command[0] ?? '' }], now, (source) =>
        readServers(source, servers, async (server) => parseAnswer(await ask(server, settings, signal))),
      ),
    close,
  }),
});

/** What the command prints. @throws Error that says how it failed */
function ask(server: string, { command, folder }: Settings, signal: AbortSignal | undefined): Promise<string> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const options = { cwd: folder, timeout: commandTimeoutMs, ...(signal === undefined ? {} : { signal }) };
    execFile(program, [...args, server], options, (error, stdout, stderr) => {
      if (error === null) {
        resolve(stdout);
        return;
      }
      const said = stderr.trim().split('\n').at(-1) ?? '';
      reject(new Error(`${howItFailed(error, folder)}${said === '' ? '' : `; it said: ${said}`}`));
    });
  });
}

function howItFailed(error: ExecFileException, folder: string): string {
  if (error.code === 'ENOENT') return `there is no such command; paths are relative to ${folder}`;
  if (error.code === 'EACCES') return 'it may not be run (chmod +x)';
  if (error.killed === true) return `it did not end within ${commandTimeoutMs / 1000} s`;
  return typeof error.code === 'number' ? `it exited with ${error.code}` : error.message;
}
