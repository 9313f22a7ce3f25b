import { createFold } from '../events/fold.ts';
import type { RunState } from '../events/run-state.ts';
import type { Event } from '../events/event.ts';
import { describeEvent, type Line } from './lines.ts';
import { guardedWriter, type OutputStream, type Renderer } from './output.ts';
import { sanitize } from './sanitize.ts';
import { formatFailureDetails, formatStranded, formatSummary } from './summary.ts';
import { displayWidth, padEnd } from './width.ts';

/** Lines for pipes and CI logs: time since the start, host, what happened. Never moves the cursor, never colours. */
export function createPlainRenderer(stdout: OutputStream, options: { readonly verbosity: number }): Renderer {
  const write = guardedWriter(stdout);
  const fold = createFold();
  const waits = createWaitFilter();
  let columns = 1;
  return {
    emit(event) {
      fold.apply(event);
      if (event.type === 'run_started') columns = hostColumns(fold.state);
      if (!waits.shows(event)) return;
      const lines = formatEvent(event, fold.state, { ...options, hostColumns: columns });
      if (lines.length === 0) return;
      waits.note(event);
      write(`${lines.join('\n')}\n`);
    },
    suspend: () => () => undefined,
    close: () => undefined,
  };
}

interface Layout {
  readonly verbosity: number;
  readonly hostColumns: number;
}

function formatEvent(event: Event, state: RunState, { verbosity, hostColumns }: Layout): string[] {
  const lines = describeEvent(event)
    .filter(({ detail }) => detail <= 1 + verbosity)
    .map((line) => formatLine(line, event.at - state.startedAtMs, hostColumns));
  switch (event.type) {
    case 'plan_ready':
      return ['', ...sanitize(event.text, { keepLines: true }).split('\n'), ''];
    case 'node_failed':
      return [...lines, ...formatFailureDetails(event.failure).map(({ text }) => text)];
    case 'node_restored':
      return [...lines, ...formatStranded(event).map(({ text }) => text)];
    case 'run_finished':
      return formatSummary(state, { foldAbove: Number.POSITIVE_INFINITY }).map(({ text }) => text);
    default:
      return lines;
  }
}

function formatLine({ host, text }: Line, elapsedMs: number, hostColumns: number): string {
  return `${formatElapsed(elapsedMs)}  ${padEnd(host ?? '-', hostColumns)}  ${text}`;
}

/** ` 0:04.2`, `12:00.0`, `1:02:03.4`: one width within the first hour. */
function formatElapsed(elapsedMs: number): string {
  const tenths = Math.floor(Math.max(0, elapsedMs) / 100);
  const seconds = Math.floor(tenths / 10);
  const rest = `${String(seconds % 60).padStart(2, '0')}.${tenths % 10}`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${String(minutes).padStart(2)}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`;
}

/** The longest host's name; names beyond 32 columns push their own line only. */
function hostColumns({ hosts }: RunState): number {
  return Math.min(32, Math.max(1, ...[...hosts.keys()].map((name) => displayWidth(sanitize(name)))));
}

/** A wait is said when nothing was for ten seconds, however often the run reports it. */
function createWaitFilter(): { shows(event: Event): boolean; note(event: Event): void } {
  /** By host; the run's own lines have none. */
  const shownAtMs = new Map<string | undefined, number>();
  const hostOf = (event: Event): string | undefined => ('host' in event ? event.host : undefined);
  return {
    shows: (event) =>
      event.type !== 'waiting' ||
      event.at - (shownAtMs.get(event.host) ?? event.at - event.elapsedMs) >= waitLineEveryMs,
    note: (event) => void shownAtMs.set(hostOf(event), event.at),
  };
}

// Under the beat of the runs themselves, which is nine seconds, so that it is not halved.
const waitLineEveryMs = 8500;
