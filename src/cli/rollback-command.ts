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
    const toComposition = { ...options, composition: options.to, check: false, diff: false };
    return carryOut(file, toComposition, world, { command: 'rollback', skipsCanary: () => true, pinned: new Map() });
  }
  return conduct(file, options, world, { command: 'rollback' }, (setup) =>
    rollBackParked(
      { ...setup, lockTimeoutMs: options.lockTimeout, resumeCommand: `rollout rollback ${file}` },
      setup.context,
    ),
  );
}
