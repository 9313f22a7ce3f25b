import { withoutScripts } from '../ssh/own-script.ts';
import { RemoteError } from '../ssh/remote.ts';
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

/** The step that hangs, by its name: what it was sent with is of no use to anybody. Undefined for any other error. */
export function hungStep(error: unknown, step: Step | undefined, timeoutMs: number): RemoteError | undefined {
  if (step === undefined || !(error instanceof RemoteError) || error.kind !== 'timeout') return undefined;
  const what = withoutScripts(step.argv).join(' ');
  return new RemoteError(error.host, 'timeout', `${what} hangs: it did not end within ${timeoutMs / 1000} s.`, {
    cause: error,
    hint: 'Docker itself may hang on the host: look at docker ps there, and at journalctl -u docker.',
  });
}
