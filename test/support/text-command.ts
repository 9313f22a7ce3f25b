import { Command } from 'commander';
import type { TextWorld } from '../../src/cli/text-world.ts';

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Runs a command that reads files and prints text, inside this process. */
export async function runTextCommand(
  register: (program: Command, world: TextWorld) => void,
  args: readonly string[],
  { cwd, env = { PATH: process.env['PATH'] } }: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<CommandResult> {
  let stdout = '';
  let stderr = '';
  const stream = (write: (text: string) => void) => ({ write, on: () => undefined, off: () => undefined });
  const program = new Command('rollout').exitOverride();
  register(program, {
    env,
    cwd,
    stdout: stream((text) => (stdout += text)),
    stderr: stream((text) => (stderr += text)),
  });
  const before = process.exitCode;
  try {
    await program.parseAsync(['node', 'rollout', ...args]);
    return { stdout, stderr, exitCode: Number(process.exitCode ?? 0) };
  } finally {
    process.exitCode = before;
  }
}
