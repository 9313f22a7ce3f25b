import type { Command } from 'commander';
import { registerSteering } from './steering.ts';

export function registerPromote(program: Command): void {
  registerSteering(
    program,
    'promote',
    'end the bake of a run under way, or the wait for its promotion, from another terminal',
  );
}
