import * as z from 'zod';
import { describeEnd, lastWords, runProgram, type ProgramEnd, type ProgramOptions } from '../../local/program.ts';
import { must, text } from '../../schema/values.ts';
import { answerWords, parseAnswer } from '../answer.ts';
import { port, server } from '../keys.ts';
import { balancerKind } from '../kind.ts';
import { readEach, readServers } from '../read.ts';

const commandTimeoutMs = 10_000;
/** It prints one word or two. */
export const mostAnswerBytes = 65_536;

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
  asksAlike: ({ command: [shell = '', flag, script = ''] }) =>
    /^(?:.*\/)?(?:ba|da|k|z)?sh$/.test(shell) && flag === '-c' && !/\$\{?[\d@*]/.test(script)
      ? {
          key: 'command',
          message: `its script must use the server's name, which comes as the word behind it ("$0", or "$1" behind one more word): every node would get the same answer`,
        }
      : undefined,
  open: (settings, { servers, now, close }) => ({
    read: (signal) =>
      readEach([{ name: settings.command[0] ?? '' }], now, (source) =>
        readServers(source, servers, async (server) => parseAnswer(await ask(server, settings, signal))),
      ),
    close,
  }),
});

/** What the command prints. @throws Error that says how it failed */
async function ask(server: string, { command, folder }: Settings, signal: AbortSignal | undefined): Promise<string> {
  const options = { cwd: folder, timeoutMs: commandTimeoutMs, mostBytes: mostAnswerBytes, ownGroup: true, signal };
  const result = await runProgram([...command, server], options);
  const how = howItFailed(result.end, options);
  if (how === undefined) return result.stdout;
  const said = lastWords(result);
  throw new Error(`${how}${said === '' ? '' : `; it said: ${said}`}`);
}

function howItFailed(end: ProgramEnd, options: ProgramOptions): string | undefined {
  if (end.kind === 'exited' && end.code !== 0) return `it exited with ${end.code}`;
  const code = end.kind === 'unstarted' ? end.error.code : undefined;
  if (code === 'ENOENT') return `there is no such command; paths are relative to ${options.cwd ?? ''}`;
  if (code === 'EACCES') return 'it may not be run (chmod +x)';
  return describeEnd(end, options);
}
