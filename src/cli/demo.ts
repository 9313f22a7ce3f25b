import type { Command } from 'commander';
import { addOutputOptions, type OutputOptions } from './options.ts';
import { systemWorld } from './world.ts';

/** `rollout demo`: real runs on a fleet inside this process, nothing to install and nothing left behind. */
export function registerDemo(program: Command): void {
  addOutputOptions(program.command('demo'))
    .description('watch a rolling update and a stopped bad release on six sandbox hosts; needs no docker and no root')
    .action(async (options: OutputOptions) => {
      const { demoCommand } = await import('./demo-command.ts');
      process.exitCode = await demoCommand(options, systemWorld());
    });
}
