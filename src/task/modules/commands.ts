import * as z from 'zod';
import { flag, must, text } from '../../schema/values.ts';
import type { Result, TaskHost, Verdict } from '../module.ts';
import type { Found, Query } from '../query.ts';

/** What `command`, `shell` and `script` share. */
export const commandParams = {
  chdir: text.optional().describe('The folder that it runs in.'),
  creates: text.optional().describe('A file on the host: where it is there, the command is not run.'),
  removes: text.optional().describe('A file on the host: where it is not there, the command is not run.'),
  stdin: z.union([z.string(), z.number()], must('text')).transform(String).optional().describe('What it reads.'),
  stdin_add_newline: flag.default(true).describe('A line end behind stdin.'),
  strip_empty_ends: flag.default(true).describe('Line ends at the end of its output are left out.'),
};

export interface CommandParams {
  readonly chdir?: string | undefined;
  readonly creates?: string | undefined;
  readonly removes?: string | undefined;
  readonly stdin?: string | undefined;
  readonly stdin_add_newline: boolean;
  readonly strip_empty_ends: boolean;
}

export function observeCommand({ creates, removes, chdir }: CommandParams): readonly Query[] {
  return [creates, removes].flatMap((path) => (path === undefined ? [] : [pathOf(path, chdir)]));
}

const pathOf = (path: string, chdir: string | undefined) =>
  ({
    kind: 'path',
    path: path.startsWith('/') || chdir === undefined ? path : `${chdir}/${path}`,
    follow: true,
  }) as const;

/** A command's exit code is the task's result. What it changes nobody knows, so that it counts as a change. */
export function planCommand(argv: readonly string[], params: CommandParams, found: Found, stdinFirst = ''): Verdict {
  const { creates, removes, chdir } = params;
  const skip = (path: string, why: string): Verdict => ({
    kind: 'done',
    result: {
      changed: false,
      rc: 0,
      stdout: `skipped, since ${path} ${why}`,
      stderr: '',
      msg: `Did not run command since '${path}' ${why}`,
    },
  });
  if (creates !== undefined && found.path(pathOf(creates, chdir)) !== undefined) return skip(creates, 'exists');
  if (removes !== undefined && found.path(pathOf(removes, chdir)) === undefined) return skip(removes, 'does not exist');
  const apply = (host: TaskHost): Promise<Result> => run(argv, params, host, stdinFirst);
  if (creates === undefined && removes === undefined)
    return { kind: 'act', why: 'Command would have run if not in check mode', result: nothing, apply };
  return { kind: 'change', result: nothing, apply };
}

/** Of a command that was not run. */
const nothing: Result = { rc: 0, stdout: '', stderr: '' };

async function run(
  argv: readonly string[],
  { chdir, stdin, stdin_add_newline: addsNewline, strip_empty_ends: strips }: CommandParams,
  host: TaskHost,
  stdinFirst: string,
): Promise<Result> {
  const input = stdin === undefined ? '' : `${stdin}${addsNewline && !stdin.endsWith('\n') ? '\n' : ''}`;
  const inFolder = chdir === undefined ? argv : ['sh', '-c', cdScript, 'rollout-cd', chdir, ...argv];
  const { exitCode, stdout, stderr } = await host.run(inFolder, { stdin: `${stdinFirst}${input}` });
  const strip = (output: string): string => (strips ? output.replace(/[\r\n]+$/, '') : output);
  return {
    changed: true,
    cmd: argv,
    rc: exitCode,
    stdout: strip(stdout),
    stderr: strip(stderr),
    ...(exitCode === 0 ? {} : { failed: true, msg: 'non-zero return code' }),
  };
}

const cdScript = 'cd -- "$1" || exit; shift; exec "$@"';
