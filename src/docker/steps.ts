import { type Argv, renameCommand, startCommand, stopCommand } from './commands.ts';
import { removeCommand, updateCommand } from './patient.ts';

/** For a command that changes something and is done with it. */
export const changeTimeoutMs = 120_000;

/** What docker may need beyond a container's grace to kill it and clean up. */
const stopMarginMs = 60_000;

/** A command that changes one container, and is a result by having ended. */
export interface Step {
  readonly argv: Argv;
  readonly timeoutMs: number;
}

export const startStep = (container: string): Step => ({ argv: startCommand(container), timeoutMs: changeTimeoutMs });

/** It ends when the process has, by itself within `graceMs` or killed. */
export const stopStep = (container: string, graceMs: number): Step => ({
  argv: stopCommand(container, graceMs),
  timeoutMs: graceMs + stopMarginMs,
});

export const renameStep = (container: string, to: string): Step => ({
  argv: renameCommand(container, to),
  timeoutMs: changeTimeoutMs,
});

/** `docker update` with these arguments, as `--restart=no`. */
export const updateStep = (container: string, args: readonly string[]): Step => ({
  argv: updateCommand(container, args),
  timeoutMs: changeTimeoutMs,
});

/** Without its volumes; one that is not there is removed already. */
export const removeStep = (container: string): Step => ({
  argv: removeCommand(container),
  timeoutMs: changeTimeoutMs,
});
