import { nothingRan } from '../events/run-state.ts';
import { formatDuration } from '../model/duration.ts';
import type { Event, Failure, HostResult, Outcome } from '../events/event.ts';
import type { HostState, RunState } from '../events/run-state.ts';
import { count } from '../model/count.ts';
import { formatHosts } from './host-list.ts';
import type { Tone } from './lines.ts';
import { sanitize } from './sanitize.ts';
import { displayWidth, padEnd } from './width.ts';

/** A line of the end's report. Safe for terminals. */
export interface SummaryLine {
  readonly tone: Tone;
  readonly text: string;
}

export const resultTone: Readonly<Record<HostResult, Tone>> = {
  updated: 'good',
  unchanged: 'quiet',
  failed: 'bad',
  restored: 'warn',
  unreachable: 'bad',
  untouched: 'quiet',
};

export const outcomeTone: Readonly<Record<Outcome, Tone>> = {
  changed: 'good',
  unchanged: 'good',
  failed: 'bad',
  rolled_back: 'bad',
  paused: 'warn',
  interrupted: 'warn',
};

/** What a person needs at the end: every host's result, every failure in full, and one line that says it all. */
export function formatSummary(state: RunState, options: { readonly foldAbove: number }): SummaryLine[] {
  const lines: SummaryLine[] = [{ tone: 'quiet', text: '' }, ...formatTable(state, options.foldAbove)];
  for (const { hosts, failure } of groupFailures(state)) {
    const after = state.hosts.get(hosts[0] ?? '');
    lines.push({ tone: 'quiet', text: '' }, ...formatFailure(hosts, failure, after));
  }
  lines.push({ tone: 'quiet', text: '' }, formatOutcome(state));
  if (state.next !== undefined) lines.push({ tone: 'info', text: sanitize(`To go on: ${state.next}`) });
  return lines;
}

/** What the log adds below the line that says where it failed and why. */
export function formatFailureDetails(
  { op, exitCode, logs, logFile, next: first }: Failure,
  after?: HostState,
): SummaryLine[] {
  const plain = (text: string): SummaryLine => ({ tone: 'info', text: sanitize(text) });
  // A node that could not be put back needs that first.
  const next = after?.next ?? first;
  const back = after === undefined ? undefined : formatWayBack(after);
  return [
    ...(exitCode === undefined ? [] : [plain(`  exit code: ${exitCode}`)]),
    ...(logs.length === 0 ? [] : [plain(`  last log lines${op.service === undefined ? '' : ` of ${op.service}`}:`)]),
    ...logs.map((text) => ({ tone: 'quiet' as const, text: sanitize(`    | ${text}`) })),
    ...(logFile === undefined ? [] : [plain(`  whole log: ${logFile}`)]),
    ...(back === undefined ? [] : [plain(`  now: ${back}`)]),
    ...(next === undefined ? [] : [plain(`  next: ${next}`)]),
  ];
}

/** What the log adds below a node that could not be put back, where that has not been said yet. */
export function formatStranded({ serving, next, again }: Event & { readonly type: 'node_restored' }): SummaryLine[] {
  return serving || next === undefined || again === true ? [] : [{ tone: 'info', text: sanitize(`  next: ${next}`) }];
}

/** Hosts that failed alike and stand alike are one failure, with the log of the first. */
export function groupFailures({
  failures,
  hosts,
}: RunState): { readonly hosts: readonly string[]; readonly failure: Failure }[] {
  const groups = new Map<string, { readonly hosts: string[]; readonly failure: Failure }>();
  for (const { host, failure } of failures) {
    const { phase, message: standing } = hosts.get(host) ?? {};
    const { op, message, exitCode, next } = failure;
    // A container's name on a host and the host's own are the only things that may differ.
    const alike = JSON.stringify([op, message, exitCode, next, phase, standing]).replaceAll(host, '');
    const group = groups.get(alike) ?? { hosts: [], failure };
    groups.set(alike, group);
    group.hosts.push(host);
  }
  return [...groups.values()];
}

/** Where it failed, why, what the container said, where the host stands, and what to type next. */
function formatFailure(hosts: readonly string[], failure: Failure, after: HostState | undefined): SummaryLine[] {
  const { op, message } = failure;
  return [
    { tone: 'bad', text: sanitize(`FAILED ${formatHosts(hosts, 8)}: ${op.text} (${op.cause})`) },
    { tone: 'info', text: sanitize(`  ${message}`) },
    ...formatFailureDetails(failure, after),
  ];
}

function formatWayBack({ phase, message }: HostState): string | undefined {
  if (phase === 'restored') return message === nothingRan ? nothingRan : 'serving what it ran before';
  if (phase === 'restoring') return 'being put back';
  return phase === 'failed' ? message : undefined;
}

function formatTable(state: RunState, foldAbove: number): SummaryLine[] {
  const rows = [...state.hosts.values()].map((host) => ({
    names: [host.host],
    result: host.result ?? derivedResult(host),
    time: host.durationMs === undefined || host.result === 'unchanged' ? '' : formatDuration(host.durationMs),
    completed: (host.completed ?? []).map((job) => `${job} completed`).join(', '),
    message: host.message ?? '',
  }));
  const shown = rows.length > foldAbove ? foldRows(rows) : rows;
  const cells = shown.map(({ names, completed, ...row }) => ({
    ...row,
    name: sanitize(formatHosts(names, 8)),
    message: [completed, row.message].filter((text) => text !== '').join('; '),
  }));
  const nameWidth = Math.max(4, ...cells.map(({ name }) => displayWidth(name)));
  const timeWidth = Math.max(4, ...cells.map(({ time }) => time.length));
  const format = (name: string, result: string, time: string, message: string): string =>
    `${padEnd(name, nameWidth)}  ${result.padEnd(11)}  ${time.padStart(timeWidth)}  ${sanitize(message)}`.trimEnd();
  return [
    { tone: 'quiet', text: format('host', 'result', 'time', '') },
    ...cells.map(({ name, result, time, message }) => ({
      tone: resultTone[result],
      text: format(name, result, time, message),
    })),
  ];
}

interface Row {
  readonly names: readonly string[];
  readonly result: HostResult;
  readonly time: string;
  /** Its jobs. */
  readonly completed: string;
  readonly message: string;
}

/** Hosts that ended alike and have nothing to say share a row; the others come last, where they are seen. */
function foldRows(rows: readonly Row[]): Row[] {
  const alike = new Map<string, { readonly names: string[]; readonly row: Row }>();
  const single: Row[] = [];
  for (const row of rows) {
    if (row.message !== '' || row.result === 'failed') single.push(row);
    else {
      const key = `${row.result} ${row.completed}`;
      const names: string[] = alike.get(key)?.names ?? [];
      names.push(...row.names);
      alike.set(key, { names, row });
    }
  }
  const folded = [...alike.values()].map(({ names, row }) => ({
    ...row,
    names,
    time: '',
    message: count(names.length, 'host'),
  }));
  return [...folded, ...single];
}

/** What a host's state amounts to where the run has no end. */
export function derivedResult({ phase }: HostState): HostResult {
  switch (phase) {
    case 'done':
      return 'updated';
    case 'unchanged':
    case 'failed':
    case 'restored':
    case 'unreachable':
      return phase;
    case 'pending':
    case 'connected':
    case 'planned':
      return 'untouched';
    default:
      // Cut off in the middle: only the host itself can say.
      return 'failed';
  }
}

const outcomeText: Readonly<Record<Outcome, string>> = {
  changed: 'Done',
  unchanged: 'Nothing to do',
  failed: 'Failed',
  rolled_back: 'Failed and rolled back',
  paused: 'Paused',
  interrupted: 'Interrupted',
};

/** `Done: 5 updated, 1 unchanged in 1 m 12 s (run 20261120-150432-x7f3, exit code 0)`. */
export function formatOutcome(state: RunState): SummaryLine {
  const { outcome, exitCode, durationMs, run } = state;
  const took = formatDuration(durationMs ?? state.lastAtMs - state.startedAtMs);
  if (outcome === undefined) return { tone: 'bad', text: `Cut off: ${resultCounts(state)} after ${took} (run ${run})` };
  const text = `${outcomeText[outcome]}: ${resultCounts(state)} in ${took} (run ${run}, exit code ${exitCode ?? 1})`;
  return { tone: outcomeTone[outcome], text };
}

/** `5 updated, 1 unchanged`. */
export function resultCounts(state: RunState): string {
  const counts = new Map<HostResult, number>();
  for (const host of state.hosts.values()) {
    const result = host.result ?? derivedResult(host);
    counts.set(result, (counts.get(result) ?? 0) + 1);
  }
  return formatResultCounts(counts);
}

/** From good to bad, and what was not come to. */
export const resultOrder: readonly HostResult[] = [
  'updated',
  'unchanged',
  'restored',
  'failed',
  'unreachable',
  'untouched',
];

export function formatResultCounts(counts: ReadonlyMap<HostResult, number>): string {
  const parts = resultOrder.flatMap((result) => {
    const amount = counts.get(result);
    return amount === undefined ? [] : [`${amount} ${result}`];
  });
  return parts.length === 0 ? 'no hosts' : parts.join(', ');
}
