import { formatPart } from '../../shell/parts.ts';
import type { CommandIo } from '../docker-cli/context.ts';

/** `rollout-login`: the shell. */
export function login(io: CommandIo): Promise<number> {
  io.stdout('/bin/sh');
  return Promise.resolve(0);
}

/** What `rollout-checkup WORD COMMAND…` says beside a survey: the word as it came, and none of the commands is missing. */
export function checkup(io: CommandIo, [word = '']: readonly string[]): void {
  const put = (name: string, stdout: string): void => io.stdout(formatPart({ name, exitCode: 0, stdout, stderr: '' }));
  put('word', `${word}\n`);
  put('tools', '\n');
  put('room', sandboxRoom);
}

/** As `rollout-room` has it; a sandbox always has 50 GB. */
export const sandboxRoom = 'folder /var/lib/docker\nfree 13107200 4096 6553600 3276800\n';
