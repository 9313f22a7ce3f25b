import type { Event } from '../../../src/events/event.ts';
import { describeEvent } from '../../../src/render/lines.ts';
import { outcomeOf, type ChaosResult, type Strike } from './chaos-run.ts';

/** What all runs of one fault come to. */
export interface Totals {
  runs: number;
  readonly outcomes: Map<string, number>;
  requests: number;
  lost: number;
  allowed: number;
  fewestUp: number;
  longestSilenceMs: number;
  /** Runs after which docker had to be restarted by hand. */
  leaks: number;
  wrong: number;
}

export function emptyTotals(): Totals {
  return {
    runs: 0,
    outcomes: new Map(),
    requests: 0,
    lost: 0,
    allowed: 0,
    fewestUp: Infinity,
    longestSilenceMs: 0,
    leaks: 0,
    wrong: 0,
  };
}

export function addResult(totals: Totals, result: ChaosResult): void {
  const { first, load, allowance, fewestUp, longestSilenceMs, wrong } = result;
  const outcome = String(first.exitCode ?? first.signal ?? 'none');
  totals.runs += 1;
  totals.outcomes.set(outcome, (totals.outcomes.get(outcome) ?? 0) + 1);
  totals.requests += load.requests;
  totals.lost += load.failed;
  totals.allowed += allowance;
  totals.fewestUp = Math.min(totals.fewestUp, fewestUp);
  totals.longestSilenceMs = Math.max(totals.longestSilenceMs, longestSilenceMs);
  totals.leaks += result.isPortLeaked ? 1 : 0;
  totals.wrong += wrong.length === 0 ? 0 : 1;
}

/** A Markdown table, ready for a page. */
export function formatTotals(faults: readonly (readonly [title: string, Totals])[]): readonly string[] {
  return [
    '',
    '| fault | runs | exits | requests | lost (allowed) | fewest UP | longest silence | docker restarted by hand | not as they must be |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...faults.map(([title, totals]) => {
      const exits = [...totals.outcomes].sort().map(([outcome, count]) => `${outcome} × ${count}`);
      const silence = `${(totals.longestSilenceMs / 1000).toFixed(1)} s`;
      const cells = [
        title,
        totals.runs,
        exits.join(', '),
        totals.requests.toLocaleString('en'),
        `${totals.lost} (${totals.allowed})`,
        totals.fewestUp,
        silence,
        totals.leaks,
        totals.wrong,
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  ];
}

export function describeRun(
  title: string,
  { updated, other, moment, delayMs }: Strike,
  result: ChaosResult,
): readonly string[] {
  const { first, load, allowance, fewestUp, longestSilenceMs, healing, wrong } = result;
  return [
    `${title}: ${updated} ${moment} + ${delayMs} ms (other ${other}): exit ${first.exitCode ?? first.signal ?? 'none'} ` +
      `${outcomeOf(first).split('\n')[0] ?? ''} after ${seconds(first.events)}, ${load.failed} of ${load.requests} requests lost ` +
      `(${allowance} allowed), fewest UP ${fewestUp}, longest silence ${(longestSilenceMs / 1000).toFixed(1)} s; ` +
      `${result.isPortLeaked ? 'docker restarted by hand (it kept a port), ' : ''}next run ${outcomeOf(healing)} after ${seconds(healing.events)}${wrong.length === 0 ? '' : ' NOT RIGHT'}`,
    ...said(first.events).map((line) => `    ${line}`),
    ...load.failures.slice(0, wrong.length === 0 ? 0 : 10).map((failure) => `  lost: ${JSON.stringify(failure)}`),
    ...wrong.map((line) => `  NOT RIGHT: ${line}`),
  ];
}

function seconds(events: readonly Event[]): string {
  return `${(((events.at(-1)?.at ?? 0) - (events[0]?.at ?? 0)) / 1000).toFixed(0)} s`;
}

const told: ReadonlySet<Event['type']> = new Set([
  'warning',
  'waiting',
  'node_failed',
  'node_restored',
  'run_finished',
]);

/** What an operator reads of a run that did not go as planned, in the words that he reads. */
function said(events: readonly Event[]): string[] {
  const startedMs = events[0]?.at ?? 0;
  return events.flatMap((event) => {
    if (!told.has(event.type)) return [];
    const at = `${((event.at - startedMs) / 1000).toFixed(1)} s`;
    if (event.type === 'run_finished') {
      const results = Object.entries(event.hosts).map(([name, { result }]) => `${name} ${result}`);
      return [`${at} ${results.join(', ')}`];
    }
    return describeEvent(event).map(({ host, text }) => `${at} ${host === undefined ? '' : `${host}: `}${text}`);
  });
}
