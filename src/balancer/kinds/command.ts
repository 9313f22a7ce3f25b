import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as z from 'zod';
import { must, text } from '../../schema/values.ts';
import { parseAnswer } from '../answer.ts';
import { server } from '../keys.ts';
import { balancerKind } from '../kind.ts';
import { readEach, readServers } from '../read.ts';

const run = promisify(execFile);
const commandTimeoutMs = 10_000;

/** A balancer behind a command at the controller that is asked server by server: the name is its last argument. */
export const commandBalancer = balancerKind({
  type: 'command',
  schema: z.strictObject({
    type: z.literal('command'),
    command: z
      .array(text, must('a list of words'))
      .min(1, must('a list of words'))
      .describe("Runs at the controller with the server's name as last word; prints up, down or drained."),
    server,
  }),
  settle: ({ command }) => ({ command }),
  open: ({ command: [program = '', ...args] }, { servers, now, close }) => ({
    read: (signal) =>
      readEach([{ name: program }], now, (source) =>
        readServers(source, servers, async (server) => {
          const { stdout } = await run(program, [...args, server], {
            timeout: commandTimeoutMs,
            ...(signal === undefined ? {} : { signal }),
          });
          return parseAnswer(stdout);
        }),
      ),
    close,
  }),
});
