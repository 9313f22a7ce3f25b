import type { Command } from 'commander';
import { registerSteering } from './steering.ts';

export function registerPause(program: Command): void {
  registerSteering(
    program,
    'pause',
    'pause a run under way from another terminal: nodes under way finish, rollout resume goes on',
  );
}
