import type { CommandIo } from '../docker-cli/context.ts';
import { formatPart } from '../../shell/parts.ts';
import type { HostMachine } from './machine.ts';

/** `rollout-login WORD`: the word as it came, and the shell; a sandbox has no login scripts. */
export function login(_machine: HostMachine, io: CommandIo, [word = '']: readonly string[]): Promise<number> {
  io.stdout(`${word}\x1e/bin/sh\x1e`);
  return Promise.resolve(0);
}

/** `rollout-checkup COMMAND…`: the time, what docker says of itself, and which of the commands are missing: none. */
export async function checkup({ clock }: HostMachine, io: CommandIo, info: () => Promise<number>): Promise<number> {
  const print = (name: string, stdout: string): void =>
    io.stdout(formatPart({ name, exitCode: 0, stdout, stderr: '' }));
  print('time', `${Math.floor(clock.now() / 1000)}\n`);
  await info();
  print('tools', '\n');
  return 0;
}
