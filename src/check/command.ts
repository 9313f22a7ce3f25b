import { spawn } from 'node:child_process';
import type { CheckAnswer, Question } from '../model/check.ts';

type Command = Extract<Question, { kind: 'command' }>;

const keptBytes = 4096;

/** Exit code 0 passes, any other fails, and so does one that does not end in time. One that cannot start says nothing. */
export function askCommand(
  { argv, folder }: Command,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<CheckAnswer> {
  const [program = '', ...args] = argv;
  return new Promise((resolve) => {
    // A group of its own: what it has started ends with it.
    const child = spawn(program, args, { cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    let isLate = false;
    const keep = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-keptBytes);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const stop = (): void => killGroup(child.pid);
    const timer = setTimeout(() => {
      isLate = true;
      stop();
    }, timeoutMs);
    signal.addEventListener('abort', stop, { once: true });
    const end = (answer: CheckAnswer): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      resolve(answer);
    };
    child.once('error', (error: NodeJS.ErrnoException) =>
      end({ outcome: 'unanswered', message: howItFailed(error, program, folder) }),
    );
    child.once('close', (code, killedBy) => end(answerOf({ code, killedBy, isLate, said, timeoutMs })));
  });
}

function answerOf(ended: {
  code: number | null;
  killedBy: string | null;
  isLate: boolean;
  said: string;
  timeoutMs: number;
}): CheckAnswer {
  const { code, killedBy, isLate, said, timeoutMs } = ended;
  if (isLate) return { outcome: 'failed', message: `it did not end within ${timeoutMs / 1000} s` };
  if (code === 0) return { outcome: 'passed', message: 'exit code 0' };
  const last = said.trim().split('\n').at(-1)?.trim() ?? '';
  const words = last === '' ? '' : `: ${last}`;
  return code === null
    ? { outcome: 'unanswered', message: `it was ended by ${killedBy ?? 'a signal'}${words}` }
    : { outcome: 'failed', message: `exit code ${code}${words}` };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function howItFailed({ code, message }: NodeJS.ErrnoException, program: string, folder: string): string {
  if (code === 'ENOENT') return `there is no command ${program}; paths are relative to ${folder}`;
  if (code === 'EACCES') return `${program} may not be run (chmod +x)`;
  return message;
}
