import { rollBackParked } from '../engine/run.ts';
import type { ConnectionOptions, OutputOptions, PlaybookOptions } from './options.ts';
import { carryOut, conduct } from './run-command.ts';
import type { World } from './world.ts';

export interface RollbackOptions extends PlaybookOptions, ConnectionOptions, OutputOptions {
  /** A composition's file; undefined: the parked previous containers. */
  readonly to?: string;
  readonly confirm: boolean;
  /** Milliseconds; 0: fail at once. */
  readonly lockTimeout: number;
}

/** `rollout rollback`: no canary, the same capacity limits. @returns the exit code */
export async function rollbackCommand(file: string, options: RollbackOptions, world: World): Promise<number> {
  if (options.to !== undefined) {
    return carryOut(file, { ...options, composition: options.to, check: false, diff: false }, world, {
      command: 'rollback',
      rollbackTo: 'composition',
      skipsCanary: () => true,
      pinned: new Map(),
    });
  }
  return rollBackToParked(file, options, world);
}

/** Once more it does what is left of it: nodes that are back have nothing parked any more. */
export function rollBackToParked(
  file: string,
  options: Omit<RollbackOptions, 'to' | 'confirm'>,
  world: World,
): Promise<number> {
  return conduct(file, options, world, { command: 'rollback', rollbackTo: 'parked', pinned: new Map() }, (setup) =>
    rollBackParked({ ...setup, lockTimeoutMs: options.lockTimeout }, setup.context),
  );
}
