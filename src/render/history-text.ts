import { formatDuration } from '../model/duration.ts';
import type { HostResult, Outcome } from '../events/event.ts';
import type { RunEnds } from '../store/runs.ts';
import { sanitize } from './sanitize.ts';
import { formatResultCounts } from './summary.ts';
import { formatTable } from './table.ts';

/** A run in one line. Undefined is what its journal does not say: a run without an outcome goes on, or was cut off. */
export interface RunSummary {
  readonly run: string;
  /** Milliseconds since the epoch. */
  readonly startedAtMs?: number;
  readonly command?: 'run' | 'rollback' | 'resume';
  readonly playbook?: string;
  readonly composition?: string;
  readonly user?: string;
  readonly outcome?: Outcome;
  readonly exitCode?: number;
  readonly durationMs?: number;
  readonly results?: Readonly<Partial<Record<HostResult, number>>>;
}

export function summariseRun({ id, started, finished }: RunEnds): RunSummary {
  return {
    run: id,
    ...(started === undefined
      ? {}
      : {
          startedAtMs: started.at,
          command: started.command,
          playbook: started.playbook,
          ...(started.composition === undefined ? {} : { composition: started.composition }),
          user: started.user,
        }),
    ...(finished === undefined
      ? {}
      : {
          outcome: finished.outcome,
          exitCode: finished.exitCode,
          durationMs: finished.durationMs,
          results: countResults(Object.values(finished.hosts).map(({ result }) => result)),
        }),
  };
}

function countResults(results: readonly HostResult[]): Partial<Record<HostResult, number>> {
  const counts: Partial<Record<HostResult, number>> = {};
  for (const result of results) counts[result] = (counts[result] ?? 0) + 1;
  return counts;
}

/** A table, a run a row, without a line end at its end. Times are UTC, as in the ids. */
export function formatHistory(runs: readonly RunSummary[]): string {
  if (runs.length === 0) return 'No runs yet.';
  const rows = [['run', 'started (UTC)', 'playbook', 'composition', 'outcome', 'took', 'hosts'], ...runs.map(cells)];
  return formatTable(rows);
}

function cells(run: RunSummary): string[] {
  const { startedAtMs, command, playbook, composition, outcome, durationMs, results } = run;
  const started = startedAtMs === undefined ? '-' : new Date(startedAtMs).toISOString().slice(0, 19).replace('T', ' ');
  const what = `${command === undefined || command === 'run' ? '' : `${command} `}${playbook ?? '-'}`;
  const counts = new Map(Object.entries(results ?? {}) as [HostResult, number][]);
  return [
    run.run,
    started,
    what,
    composition ?? '-',
    outcome?.replaceAll('_', ' ') ?? 'no end yet',
    durationMs === undefined ? '-' : formatDuration(durationMs),
    results === undefined ? '-' : formatResultCounts(counts),
  ].map((cell) => sanitize(cell));
}
