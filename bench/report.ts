import type { NodeSplit } from './critical-path.ts';
import type { Counts } from './counts.ts';
import type { Parts } from './parts.ts';
import type { Paths } from './paths.ts';
import { goalsOf, summarize, type Race, type Results, type Summary } from './results.ts';
import { jobWords } from './rounds.ts';
import type { StartUp } from './startup.ts';
import { median } from './statistics.ts';

/** The results as a page of Markdown, without a heading of its own. */
export function formatResults(results: Results): string {
  const { startUp, races, paths, counts } = results;
  return [
    section('Goals', formatGoals(results)),
    ...(startUp === undefined ? [] : [section('Start-up', formatStartUp(startUp))]),
    ...races.map((race) => section(raceTitle(race), formatRace(race))),
    ...(paths.length === 0 ? [] : [section("Where a node's time goes", formatPaths(paths))]),
    ...(counts.length === 0 ? [] : [section("What a node's update costs its host", formatCounts(counts))]),
  ].join('\n');
}

/** When, at which commit and on what each part was taken. */
export function formatOrigins(parts: Parts): string {
  const rows = Object.entries(parts).map(([name, { commit, date, minutes }]) => [
    name,
    commit,
    date,
    minutes.toFixed(1),
  ]);
  const machines = [
    ...new Set(Object.values(parts).map(({ machine }) => machine.map((line) => `- ${line}`).join('\n'))),
  ];
  return `${table(['part', 'commit', 'date', 'minutes'], rows)}\n\n${machines.join('\n\n')}`;
}

const section = (title: string, body: string): string => `## ${title}\n\n${body}\n`;

function formatGoals(results: Results): string {
  const rows = goalsOf(results).map(({ goal, reached, isMet }) => [
    goal,
    reached ?? 'void',
    isMet ? 'met' : '**missed**',
  ]);
  return rows.length === 0 ? 'None of the goals was measured.' : table(['goal', 'reached', ''], rows);
}

function formatStartUp({ emptyMs, versionMs, validateMs, freshMs }: StartUp): string {
  const empty = median(emptyMs);
  const row = (name: string, times: readonly number[]): readonly string[] => [
    name,
    `${median(times).toFixed(0)} ms`,
    `${Math.min(...times).toFixed(0)}–${Math.max(...times).toFixed(0)} ms`,
    (median(times) / empty).toFixed(2),
  ];
  const rows = [
    row('an empty node process', emptyMs),
    row('`rollout --version`', versionMs),
    row('`rollout validate playbooks/prod.yaml`', validateMs),
    ...(freshMs === undefined ? [] : [row('the same in a new HOME', freshMs)]),
  ];
  return `${table(['command', 'median', 'range', '× empty'], rows)}\n\n${emptyMs.length} spawns of each, in turns; warm but for a new HOME, where nothing is compiled yet.`;
}

function raceTitle({ hosts, roundTripMs }: Race): string {
  return roundTripMs === 0 ? `${hosts} hosts` : `${hosts} hosts, ${roundTripMs} ms of latency`;
}

function formatRace(race: Race): string {
  const summaries = summarize(race);
  const rows = summaries
    .toSorted((a, b) => jobs.indexOf(a.job) - jobs.indexOf(b.job))
    .map((summary) => {
      const peer = (name: Summary['contestant']): Summary | undefined =>
        summaries.find(({ job, contestant }) => job === summary.job && contestant === name);
      return [
        jobWords[summary.job],
        summary.contestant,
        seconds(summary.wallMs),
        `${seconds(summary.fastestMs).slice(0, -2)}–${seconds(summary.slowestMs)}`,
        timesOf(summary, peer('floor')),
        timesOf(peer('ansible'), summary),
        seconds(summary.cpuMs),
        `${Math.round(summary.peakBytes / 2 ** 20)} MB`,
        summary.voids === 0 ? String(summary.runs) : `${summary.runs}, and ${summary.voids} void`,
      ];
    });
  const head = ['job', 'with', 'wall', 'range', '× floor', 'Ansible ×', 'CPU', 'memory', 'runs'];
  return table(head, rows);
}

const jobs: readonly Summary['job'][] = ['idle', 'update', 'first'];

function timesOf(above: Summary | undefined, below: Summary | undefined): string {
  return above === undefined || below === undefined ? '–' : (above.wallMs / below.wallMs).toFixed(2);
}

function formatPaths(paths: readonly Paths[]): string {
  const parts = ['totalMs', 'balancerMs', 'applicationMs', 'dockerMs', 'oursMs'] as const;
  const cell = (nodes: readonly NodeSplit[], part: (typeof parts)[number]): string => {
    const values = nodes.map((node) => node[part]);
    return `${Math.round(median(values))} (${Math.round(Math.max(...values))})`;
  };
  const rows = paths
    .filter(({ nodes }) => nodes.length > 0)
    .map(({ hosts, maxUnavailable, nodes }) => [
      `${hosts} hosts, ${maxUnavailable === '1' ? 'one at a time' : `at most ${maxUnavailable} at once`}`,
      ...parts.map((part) => cell(nodes, part)),
    ]);
  const head = ['update of', 'total', 'balancer', 'application', 'docker', 'ours'];
  return `${table(head, rows)}\n\nMilliseconds of a node's update: median, and the worst node in brackets.`;
}

function formatCounts(counts: Results['counts']): string {
  const trips = ({ roundTrips }: Counts, of: keyof NonNullable<Counts['roundTrips']>): string =>
    roundTrips === undefined ? '–' : String(roundTrips[of]);
  const rows = counts.map(({ commit, counts: found }) => [
    found.contestant === 'rollout' ? `rollout ${commit}` : found.contestant,
    ...[found.processes, found.ofUpdate, found.whileOut].map(String),
    ...(['whole', 'ofUpdate', 'whileOut'] as const).map((of) => trips(found, of)),
    found.calls.join(', '),
  ]);
  const head = [
    '',
    'processes',
    'of the update',
    'while out',
    'commands',
    'of the update',
    'while out',
    'calls while out',
  ];
  return `${table(head, rows)}\n\nDocker processes and commands over the connection on one of two hosts, not the canary. While out: from drained until its health container is started.`;
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(durationMs < 10_000 ? 2 : 1)} s`;
}

/** Columns as wide as their widest cell, as prettier would have them. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}
