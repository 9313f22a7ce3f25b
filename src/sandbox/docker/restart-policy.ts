export interface RestartPolicy {
  readonly Name: string;
  readonly MaximumRetryCount: number;
}

/** Docker's: doubled from 100 ms to a minute, and forgotten by a run of 10 s. */
export const restartBackoff = { firstMs: 100, mostMs: 60_000, forgottenAfterMs: 10_000 };

/** Whether a container that nobody stopped is started again after it ended. */
export function restartsAfter(
  { Name, MaximumRetryCount }: RestartPolicy,
  exitCode: number,
  restartCount: number,
): boolean {
  if (Name === 'on-failure') return exitCode !== 0 && (MaximumRetryCount === 0 || restartCount < MaximumRetryCount);
  return Name === 'always' || Name === 'unless-stopped';
}

/**
 * Whether a daemon that comes up starts a container that has run before, measured on docker 20.10: `always` and
 * `on-failure` (with a non-zero exit) also after a manual stop, `unless-stopped` not after one.
 */
export function startsWithDaemon(
  { Name }: RestartPolicy,
  { manuallyStopped, exitCode }: { readonly manuallyStopped: boolean; readonly exitCode: number },
): boolean {
  switch (Name) {
    case 'always':
      return true;
    case 'unless-stopped':
      return !manuallyStopped;
    case 'on-failure':
      return exitCode !== 0;
    default:
      return false;
  }
}
