/** When a task of a play runs: once ahead of all nodes, or around the update of each, or once at the end. */
export type TaskPhase = 'before' | 'pre' | 'main' | 'post' | 'after';

/** What a task would do on a host, found out by reading alone. */
export interface TaskFinding {
  readonly phase: TaskPhase;
  readonly name: string;
  readonly runOnce: boolean;
  /** Of a loop. */
  readonly item?: string;
  /** `unknown`: it runs, and what it changes cannot be told; `failed`: it would fail as things are now. */
  readonly outcome: 'idle' | 'changes' | 'unknown' | 'skipped' | 'failed';
  readonly message?: string;
  /** Lines of a unified diff. */
  readonly diff: readonly string[];
}

/** What an interpreter of tasks says of one. */
interface Reported {
  readonly name: string;
  readonly runOnce: boolean;
  readonly item?: string;
  readonly status: 'ok' | 'changed' | 'skipped' | 'failed' | 'ignored';
  readonly isUnknown: boolean;
  readonly diff: readonly string[];
  readonly result: Readonly<Record<string, unknown>>;
}

export function findingOf(
  { name, runOnce, item, status, isUnknown, diff, result }: Reported,
  phase: TaskPhase,
): TaskFinding {
  const { msg } = result;
  const isWrong = status === 'failed' || status === 'ignored';
  return {
    phase,
    name,
    runOnce,
    diff,
    outcome: isUnknown ? 'unknown' : outcomes[status],
    ...(item === undefined ? {} : { item }),
    ...(isWrong && typeof msg === 'string' ? { message: msg } : {}),
  };
}

const outcomes = { ok: 'idle', changed: 'changes', skipped: 'skipped', failed: 'failed', ignored: 'failed' } as const;

/** Whether none of them would do anything. */
export function areIdle(findings: readonly TaskFinding[]): boolean {
  return findings.every(({ outcome }) => outcome === 'idle' || outcome === 'skipped');
}
