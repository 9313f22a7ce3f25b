import { formatHosts } from './host-list.ts';
import { sanitize } from './sanitize.ts';
import { formatTable } from './table.ts';

/** A run as hosts remember it; without `about` they do not agree on it. */
interface Row {
  readonly run: string;
  readonly about?: {
    readonly startedAtMs: number;
    readonly command: string;
    readonly composition?: string | undefined;
    readonly user: string;
    readonly controller: string;
    readonly outcome?: string | undefined;
  };
  /** By host and play. */
  readonly hosts: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Which composition went where, when and by whom: a table without a line end at its end. Times are UTC. */
export function formatHostHistory(runs: readonly Row[]): string {
  if (runs.length === 0) return 'No host remembers a run.';
  const rows = [['run', 'started (UTC)', 'command', 'composition', 'by', 'outcome', 'hosts'], ...runs.map(cells)];
  return formatTable(rows);
}

function cells({ run, about, hosts }: Row): string[] {
  const where = formatHosts(Object.keys(hosts), 6);
  if (about === undefined) return [run, '-', '-', '-', '-', 'hosts do not agree', where].map((cell) => sanitize(cell));
  const { startedAtMs, command, composition, user, controller, outcome } = about;
  return [
    run,
    new Date(startedAtMs).toISOString().slice(0, 19).replace('T', ' '),
    command,
    composition ?? '-',
    `${user} on ${controller}`,
    outcome?.replaceAll('_', ' ') ?? 'no end yet',
    resultsOf(hosts),
  ].map((cell) => sanitize(cell));
}

/** `updated h1, h2; restored h3` */
function resultsOf(hosts: Row['hosts']): string {
  const byResult = new Map<string, string[]>();
  for (const [host, plays] of Object.entries(hosts)) {
    const result = [...new Set(Object.values(plays))].join(' and ');
    byResult.set(result, [...(byResult.get(result) ?? []), host]);
  }
  return [...byResult].map(([result, names]) => `${result} ${formatHosts(names, 6)}`).join('; ');
}
