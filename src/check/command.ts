import { lastWords, runProgram, type ProgramResult } from '../local/program.ts';
import type { CheckAnswer, Question } from '../model/check.ts';

type Command = Extract<Question, { kind: 'command' }>;

/** A check may print what it likes: its last words are all that is shown. */
export const keptBytes = 4096;

/** Exit code 0 passes, any other fails, and so does one that does not end in time. One that cannot start says nothing. */
export async function askCommand(
  { argv, folder }: Command,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<CheckAnswer> {
  const options = { cwd: folder, timeoutMs, signal, mostBytes: keptBytes, keeps: 'last', ownGroup: true } as const;
  const result = await runProgram(argv, options);
  return answerOf(result, { program: argv[0] ?? '', folder, timeoutMs });
}

function answerOf(
  result: ProgramResult,
  { program, folder, timeoutMs }: { program: string; folder: string; timeoutMs: number },
): CheckAnswer {
  const { end, stdout } = result;
  const last = lastWords(result) || (stdout.trim().split('\n').at(-1)?.trim() ?? '');
  const words = last === '' ? '' : `: ${last}`;
  switch (end.kind) {
    case 'late':
      return { outcome: 'failed', message: `it did not end within ${timeoutMs / 1000} s` };
    case 'exited':
      return end.code === 0
        ? { outcome: 'passed', message: 'exit code 0' }
        : { outcome: 'failed', message: `exit code ${end.code}${words}` };
    case 'signalled':
      return { outcome: 'unanswered', message: `it was ended by ${end.signal}${words}` };
    case 'unstarted':
      return { outcome: 'unanswered', message: howItFailed(end.error, program, folder) };
    case 'endless':
    case 'aborted':
      return { outcome: 'unanswered', message: 'it was stopped' };
  }
}

/** Why a program of the playbook could not be started. */
export function howItFailed({ code, message }: NodeJS.ErrnoException, program: string, folder: string): string {
  if (code === 'ENOENT') return `there is no command ${program}; paths are relative to ${folder}`;
  if (code === 'EACCES') return `${program} may not be run (chmod +x)`;
  return message;
}
