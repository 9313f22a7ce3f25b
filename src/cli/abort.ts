import type { Command } from 'commander';
import { registerSteering } from './steering.ts';

export function registerAbort(program: Command): void {
  registerSteering(program, 'abort', 'stop a run under way from another terminal, as Ctrl-C does there');
}
