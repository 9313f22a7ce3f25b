import type { Command } from 'commander';
import { sanitize } from '../render/sanitize.ts';
import type { Steering } from '../store/control/protocol.ts';
import { systemWorld } from './world.ts';

/** A command that speaks to a run under way. Exit code 0: the run does it; 2: it does not, or is not there. */
export function registerSteering(program: Command, steering: Steering, description: string): void {
  program
    .command(steering)
    .argument('<run>', "the run's id or its beginning, or latest")
    .description(description)
    .action(async (id: string) => {
      const { steerRun } = await import('../api/steer.ts');
      const { env, cwd, stdout } = systemWorld();
      stdout.write(`${sanitize(await steerRun(steering, id, { env, cwd }))}\n`);
    });
}
