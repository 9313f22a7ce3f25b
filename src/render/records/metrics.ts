import { exitCodes } from '../../events/exit-code.ts';
import type { Event, HostResult } from '../../events/event.ts';
import { foldEvents } from '../../events/fold.ts';
import type { RunState } from '../../events/run-state.ts';
import { derivedResult, resultOrder } from '../summary.ts';
import { metricLines, type Sample } from './prometheus.ts';

/** What a run leaves for Prometheus' textfile collector: gauges of the last run, by playbook. */
export function formatMetrics(events: readonly Event[]): string {
  const state = foldEvents(events);
  const { playbook = '', composition = '', outcome, exitCode = exitCodes.bug } = state;
  const durationMs = state.durationMs ?? state.lastAtMs - state.startedAtMs;
  const isGood = exitCode === exitCodes.done;
  const counts = new Map<HostResult, number>(resultOrder.map((result) => [result, 0]));
  for (const host of state.hosts.values()) {
    const result = host.result ?? derivedResult(host);
    counts.set(result, (counts.get(result) ?? 0) + 1);
  }
  const metric = metricLines('gauge', { playbook });
  const about = { run: state.run, composition, outcome: outcome ?? 'cut_off', version: state.version ?? '' };
  return [
    ...metric('run_info', 'The last run, in its labels.', [{ labels: about, value: 1 }]),
    ...metric('run_success', 'Whether the last run did what it was asked to.', [{ value: isGood ? 1 : 0 }]),
    ...metric('run_exit_code', 'What the last run ended with.', [{ value: exitCode }]),
    ...metric('run_start_timestamp_seconds', 'When the last run began.', [{ value: state.startedAtMs / 1000 }]),
    ...metric('run_end_timestamp_seconds', 'When the last run ended.', [{ value: state.lastAtMs / 1000 }]),
    ...metric('run_duration_seconds', 'How long the last run took.', [{ value: durationMs / 1000 }]),
    ...metric(
      'run_hosts',
      'Hosts of the last run by how they ended.',
      [...counts].map(([result, value]) => ({ labels: { result }, value })),
    ),
    ...metric(
      'run_node_duration_seconds',
      'How long each node of the last run took.',
      [...state.hosts.values()].flatMap(({ host, durationMs: tookMs }) =>
        tookMs === undefined ? [] : [{ labels: { host }, value: tookMs / 1000 }],
      ),
    ),
    ...trafficMetrics(events, state, metric),
    '',
  ].join('\n');
}

function trafficMetrics(
  events: readonly Event[],
  { hosts }: RunState,
  metric: (name: string, help: string, samples: readonly Sample[]) => string[],
): string[] {
  const plays = new Map<string, { requests: number; errors: number; lowest: number }>();
  for (const event of events) {
    if (!('pool' in event)) continue;
    const play = 'play' in event ? event.play : hosts.get(event.host ?? '')?.play;
    if (play === undefined) continue;
    const seen = plays.get(play) ?? { requests: 0, errors: 0, lowest: event.pool.up };
    plays.set(play, seen);
    seen.lowest = Math.min(seen.lowest, event.pool.up);
    if (event.type !== 'traffic_seen') continue;
    seen.requests += event.requests ?? 0;
    seen.errors += event.errors ?? 0;
  }
  const samples = (value: 'requests' | 'errors' | 'lowest'): Sample[] =>
    [...plays].map(([play, seen]) => ({ labels: { play }, value: seen[value] }));
  return [
    ...metric('run_requests', 'Requests that the balancers counted during the last run.', samples('requests')),
    ...metric('run_errors', 'Errors that the balancers counted during the last run.', samples('errors')),
    ...metric('run_lowest_capacity', 'The fewest nodes that got requests during the last run.', samples('lowest')),
  ];
}
