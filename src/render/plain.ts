import { createFold } from '../events/fold.ts';
import { countNodes, type RunState } from '../events/run-state.ts';
import type { Event } from '../events/event.ts';
import { formatDuration } from '../model/duration.ts';
import { describeEvent, type Line } from './lines.ts';
import { textWriter, type OutputStream, type Renderer } from './output.ts';
import { sanitize } from './sanitize.ts';
import { formatFailureDetails, formatStranded, formatSummary } from './summary.ts';
import { describeTransfers } from './transfer-lines.ts';
import { displayWidth, padEnd } from './width.ts';

/**
 * Lines for pipes and CI logs: time since the start, host, what happened. Never moves the cursor, never colours. `defuse`
 * keeps whoever reads them from obeying text in them.
 */
export function createPlainRenderer(
  stdout: OutputStream,
  options: { readonly verbosity: number; readonly defuse?: (text: string) => string },
): Renderer {
  const write = textWriter(stdout, options.defuse);
  const fold = createFold();
  const waits = createWaitFilter();
  const progress = createProgress();
  let columns = 1;
  return {
    emit(event) {
      fold.apply(event);
      if (event.type === 'run_started') columns = hostColumns(fold.state);
      const lines = waits.shows(event) ? formatEvent(event, fold.state, { ...options, hostColumns: columns }) : [];
      if (lines.length > 0) waits.note(event);
      if (isLarge(fold.state)) lines.push(...progress.linesAt(event, fold.state, columns));
      if (lines.length > 0) write(`${lines.join('\n')}\n`);
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
  // What the run itself waits for is said in any case: then nothing else is.
  const most = isLarge(state) && !isOwnWait(event) ? verbosity : 1 + verbosity;
  const lines = describeEvent(event)
    .filter(({ detail }) => detail <= most)
    .map((line) => formatLine(withTransfers(line, event, state), event.at - state.startedAtMs, hostColumns));
  switch (event.type) {
    case 'plan_ready':
      return ['', ...sanitize(event.text, { keepLines: true }).split('\n'), ''];
    case 'node_failed':
      return [...lines, ...formatFailureDetails(event.failure).map(({ text }) => text)];
    case 'node_restored':
      return [...lines, ...formatStranded(event).map(({ text }) => text)];
    case 'run_finished':
      return formatSummary(state, { foldAbove: manyHosts }).map(({ text }) => text);
    default:
      return lines;
  }
}

/** How far images have come says more than that they are waited for. */
function withTransfers(line: Line, event: Event, state: RunState): Line {
  if (event.type !== 'waiting' || event.host !== undefined) return line;
  const said = describeTransfers(state, event.at);
  return said === undefined ? line : { ...line, text: `${said} (${formatDuration(event.elapsedMs)})` };
}

/** More hosts than anybody reads line by line: their milestones are counted, and hosts that ended alike share a row. */
const manyHosts = 100;

function isLarge({ hosts }: RunState): boolean {
  return hosts.size > manyHosts;
}

function isOwnWait(event: Event): boolean {
  return event.type === 'waiting' && event.host === undefined;
}

/** Where a large run stands, every ten seconds while hosts are connected to or nodes are under way. */
function createProgress(): { linesAt(event: Event, state: RunState, hostColumns: number): string[] } {
  let saidAtMs: number | undefined;
  return {
    linesAt(event, state, hostColumns) {
      if (event.type === 'plan_ready') saidAtMs = event.at;
      saidAtMs ??= event.at;
      if (event.at - saidAtMs < progressEveryMs || event.type === 'run_finished') return [];
      const text = state.planText === undefined ? connectedText(state) : nodesText(state);
      if (text === undefined) return [];
      saidAtMs = event.at;
      return [formatLine({ tone: 'info', detail: 0, text }, event.at - state.startedAtMs, hostColumns)];
    },
  };
}

function connectedText({ hosts }: RunState): string {
  const connected = [...hosts.values()].filter(({ phase }) => phase === 'connected').length;
  return `${connected} of ${hosts.size} hosts are connected`;
}

/** Undefined while none is under way: then the run itself says what it waits for. */
function nodesText(state: RunState): string | undefined {
  const { changing, done, active, failed, restored, left } = countNodes(state);
  if (active === 0) return undefined;
  const bad = [failed > 0 ? `, ${failed} failed` : '', restored > 0 ? `, ${restored} put back` : ''].join('');
  const { up, servers } = state.plays.findLast(({ pool }) => pool !== undefined)?.pool ?? {};
  const pool = up === undefined ? '' : `; ${up} of ${servers ?? 0} UP`;
  return `${done} of ${changing} nodes done, ${active} under way${bad}, ${left} left${pool}`;
}

const progressEveryMs = 10_000;

function formatLine({ host, text, ending = '' }: Line, elapsedMs: number, hostColumns: number): string {
  return `${formatElapsed(elapsedMs)}  ${padEnd(host ?? '-', hostColumns)}  ${text}${ending}`;
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
