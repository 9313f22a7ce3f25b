import { once } from 'node:events';
import type { Become } from '../model/host.ts';
import type { Secret } from '../model/secret.ts';
import { RemoteError, type RemoteProcess } from './remote.ts';

const promptMark = 'rollout-become-password:';
/** Of what sudo says before the command begins: a lecture is some 500 bytes. */
export const mostSudoBytes = 65_536;

const startedMark = 'rollout-become-started\n';

/**
 * A command as another user. Without a password sudo must not ask. With one, sudo is told how to ask, and a mark on
 * stderr tells when the command has begun: sudo may need no password after all, and then the command would read it.
 */
export function becomeArgv(become: Become, argv: readonly string[]): readonly string[] {
  const asUser = ['-H', '-u', become.user, '--'];
  if (become.password === undefined) return ['sudo', '-n', ...asUser, ...argv];
  const started = `echo ${startedMark.trim()} >&2; exec "$@"`;
  return ['sudo', '-S', '-p', promptMark, ...asUser, 'sh', '-c', started, 'rollout-become', ...argv];
}

/** A command as another user at a terminal, where sudo asks for what it needs: no password is typed on anybody's behalf. */
export function askingBecomeArgv(become: Become, argv: readonly string[]): readonly string[] {
  return ['sudo', '-H', '-u', become.user, '--', ...argv];
}

/**
 * Gives sudo the password when it asks, and resolves once the command itself has begun. What the command writes to
 * stderr is left in the stream; sudo's own words are not.
 * @throws RemoteError 'become_failed'
 */
export async function passSudo(process: RemoteProcess, host: string, become: Become, password: Secret): Promise<void> {
  const heard = await listen(process.stderr, process.stdin, password);
  if (heard.outcome === 'started') return;
  if (heard.outcome === 'endless') {
    process.close();
    const message = `sudo, or what stands in its place, has said more than ${mostSudoBytes} bytes and has not begun the command.`;
    throw new RemoteError(host, 'become_failed', message, { hint: 'Log in there and look: sudo -k; sudo true' });
  }
  // Its end is told once everything before it has been read.
  process.stdout.resume();
  const exitCode = await process.exited;
  throw (
    explainSudo(host, become, exitCode, heard.text) ??
    new RemoteError(host, 'become_failed', `sudo ended with ${exitCode}: ${lastLine(heard.text) || 'it said nothing'}.`)
  );
}

async function listen(
  stderr: NodeJS.ReadableStream,
  stdin: NodeJS.WritableStream,
  password: Secret,
): Promise<{ outcome: 'started' | 'ended' | 'endless'; text: string }> {
  let bytes = Buffer.alloc(0);
  let prompts = 0;
  const ended = once(stderr, 'end');
  const heard = new Promise<'started' | 'endless'>((resolve) => {
    const next = (): string | Buffer | null => stderr.read();
    // Not 'data': taking that listener away would leave the stream either running on or stopped for good.
    const read = (): void => {
      for (let chunk = next(); chunk !== null; chunk = next()) {
        bytes = Buffer.concat([bytes, Buffer.from(chunk)]);
      }
      const at = bytes.indexOf(startedMark);
      if (at !== -1) {
        stderr.off('readable', read);
        const rest = bytes.subarray(at + startedMark.length);
        if (rest.length > 0) stderr.unshift(rest);
        resolve('started');
        return;
      }
      if (bytes.length > mostSudoBytes) {
        stderr.off('readable', read);
        resolve('endless');
        return;
      }
      const asked = bytes.toString('latin1').split(promptMark).length - 1;
      if (asked === prompts) return;
      prompts = asked;
      // Asked again the answer would be the same: the end of stdin makes sudo give up.
      if (prompts === 1) stdin.write(`${password.reveal()}\n`);
      else stdin.end();
    };
    stderr.on('readable', read);
  });
  const outcome = await Promise.race([heard, ended.then(() => 'ended' as const)]);
  return { outcome, text: bytes.toString().replaceAll(promptMark, '') };
}

/** In the words of sudo, and of sudo-rs, which Ubuntu has in its place from 25.10 on. */
const refusals: readonly { pattern: RegExp; message: string; hint: string }[] = [
  {
    pattern: /account or password is expired|account validation failure/i,
    message: 'the account is locked or expired',
    hint: 'Look at it there: chage -l USER; passwd -S USER',
  },
  {
    pattern:
      /incorrect password|incorrect authentication|try again|no password was provided|authentication required but not/i,
    message: 'the password is wrong',
    hint: 'Check ansible_become_password.',
  },
  {
    pattern: /a password is required|interactive authentication is required|a terminal is required to/i,
    message: 'a password is required',
    hint: 'Give ansible_become_password, or allow the user NOPASSWD in sudoers.',
  },
  {
    pattern: /must have a tty/i,
    message: 'it wants a terminal',
    hint: 'Take requiretty out of sudoers for this user: Defaults:USER !requiretty',
  },
  {
    pattern:
      /not in the sudoers file|is not allowed to (?:execute|run|authenticate)|may not run |I'm afraid I can't do that/i,
    message: 'the user may not',
    hint: 'Allow the user in sudoers, for every command: rollout runs docker, sh and timeout.',
  },
  {
    pattern: /unknown user|user '.*' not found/i,
    message: 'that user does not exist',
    hint: 'Check ansible_become_user.',
  },
];

/** What sudo's refusal means, when a command ended because sudo did not run it; undefined when it was the command's own end. */
export function explainSudo(host: string, become: Become, exitCode: number, stderr: string): RemoteError | undefined {
  if (exitCode === 127 && /sudo:.*not found/.test(stderr)) {
    return new RemoteError(host, 'become_failed', 'sudo is not installed, and become asks for it.', {
      hint: `Install sudo, or connect as ${become.user} without become.`,
    });
  }
  // A command may well end with 1 itself; sudo's own lines begin so in every language, but for its warning about names.
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !/^sudo: unable to resolve host/.test(line));
  if (exitCode !== 1 || !lines.some((line) => /^sudo: |^Sorry, |sudoers/.test(line))) return undefined;
  const refusal = refusals.find(({ pattern }) => lines.some((line) => pattern.test(line)));
  if (refusal === undefined && !lines.every((line) => line.startsWith('sudo: '))) return undefined;
  return new RemoteError(
    host,
    'become_failed',
    `sudo does not make the user ${become.user}: ${refusal?.message ?? 'see what it says'} (${lastLine(lines.join('\n'))}).`,
    refusal === undefined ? {} : { hint: refusal.hint },
  );
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}
