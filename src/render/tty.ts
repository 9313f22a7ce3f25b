import { noLongerNeeded, type Clock } from '../model/clock.ts';
import { createFold } from '../events/fold.ts';
import type { RunState } from '../events/run-state.ts';
import type { Event } from '../events/event.ts';
import { frame } from './frame.ts';
import { describeEvent, type Line, type Tone } from './lines.ts';
import { sizeOf, type OutputStream, type Renderer } from './output.ts';
import { createPainter, type Painter, type Style } from './paint.ts';
import { sanitize } from './sanitize.ts';
import { createScreen } from './screen.ts';
import { formatFailureDetails, formatStranded, formatSummary, type SummaryLine } from './summary.ts';
import { displayWidth, truncate } from './width.ts';

export interface TtyOptions {
  readonly stdout: OutputStream;
  readonly clock: Clock;
  readonly color: boolean;
  readonly verbosity: number;
  /** Calls back when the process ends in whatever way, and gives the way to take that back: the cursor must return. */
  readonly atExit?: (callback: () => void) => () => void;
}

/** What is finished scrolls by above; what goes on is a live region below it, drawn ten times a second at most. */
export function createTtyRenderer(options: TtyOptions): Renderer {
  const { stdout, clock } = options;
  const paint = createPainter(options.color);
  const fold = createFold();
  const screen = createScreen(stdout);
  let pending: string[] = [];
  let drawnAtMs = Number.NEGATIVE_INFINITY;
  let state: 'live' | 'suspended' | 'closed' = 'live';

  const draw = (): void => {
    if (state !== 'live') return;
    drawnAtMs = clock.now();
    // On hold (Ctrl-S): what it has not taken would only be followed by more of the same.
    if (stdout.writableNeedDrain === true) {
      timer.set(drawnAtMs + redrawEveryMs);
      return;
    }
    const size = sizeOf(stdout);
    screen.draw(pending, frame(fold.state, { ...size, nowMs: drawnAtMs, paint }), size);
    pending = [];
    // Elapsed times go on without events.
    if (fold.state.outcome === undefined) timer.set(drawnAtMs + 1000);
  };
  const timer = createTimer(clock, draw);
  const onResize = (): void => timer.set(clock.now());
  stdout.on('resize', onResize);
  const stopWatchingExit = options.atExit?.(() => screen.restore());

  const clear = (): void => {
    timer.stop();
    screen.draw(pending, [], sizeOf(stdout));
    screen.restore();
    pending = [];
  };

  return {
    emit(event) {
      fold.apply(event);
      const size = sizeOf(stdout);
      pending.push(...formatEvent(event, fold.state, { verbosity: options.verbosity, ...size, paint }));
      const nowMs = clock.now();
      if (state !== 'live') return;
      if (nowMs - drawnAtMs >= redrawEveryMs) draw();
      else timer.set(drawnAtMs + redrawEveryMs);
    },
    suspend() {
      if (state !== 'live') return () => undefined;
      clear();
      state = 'suspended';
      return () => {
        if (state !== 'suspended') return;
        state = 'live';
        draw();
      };
    },
    close() {
      if (state === 'closed') return;
      clear();
      state = 'closed';
      stdout.off('resize', onResize);
      stopWatchingExit?.();
    },
  };
}

const redrawEveryMs = 100;

/** One wake-up, the earliest that was asked for. */
function createTimer(clock: Clock, wake: () => void): { set(atMs: number): void; stop(): void } {
  let due: { readonly atMs: number; readonly abort: AbortController } | undefined;
  const stop = (): void => {
    due?.abort.abort(noLongerNeeded);
    due = undefined;
  };
  return {
    stop,
    set(atMs) {
      if (due !== undefined && due.atMs <= atMs) return;
      stop();
      const mine = { atMs, abort: new AbortController() };
      due = mine;
      clock.sleep(Math.max(0, atMs - clock.now()), mine.abort.signal).then(
        () => {
          if (due !== mine) return;
          due = undefined;
          wake();
        },
        () => undefined,
      );
    },
  };
}

interface Layout {
  readonly verbosity: number;
  readonly columns: number;
  readonly rows: number;
  readonly paint: Painter;
}

function formatEvent(event: Event, state: RunState, { verbosity, columns, rows, paint }: Layout): string[] {
  const lines = describeEvent(event)
    .filter(({ detail }) => detail <= (verbosity >= 3 ? 4 : verbosity))
    .map((line) => formatLine(line, columns, paint));
  switch (event.type) {
    case 'plan_ready':
      return [
        '',
        ...sanitize(event.text, { keepLines: true })
          .split('\n')
          .map((line) => paintPlan(line, paint)),
        '',
      ];
    case 'node_failed':
      return [...lines, ...formatFailureDetails(event.failure).map((line) => ` ${paintSummary(line, paint)}`)];
    case 'node_restored':
      return [...lines, ...formatStranded(event).map((line) => ` ${paintSummary(line, paint)}`)];
    case 'run_finished':
      return formatSummary(state, { foldAbove: Math.max(20, rows) }).map((line) => paintSummary(line, paint));
    default:
      return lines;
  }
}

const signs: Readonly<Record<Tone, string>> = { good: '✓', bad: '✗', warn: '!', info: '·', quiet: '·' };
const styles: Readonly<Record<Tone, Style | undefined>> = {
  good: 'green',
  bad: 'red',
  warn: 'yellow',
  info: undefined,
  quiet: 'dim',
};

function formatLine({ host, tone, text, ending }: Line, columns: number, paint: Painter): string {
  const style = styles[tone];
  const sign = style === undefined ? signs[tone] : paint(style, signs[tone]);
  const before = host === undefined ? 3 : 3 + displayWidth(host) + 2;
  const shown = ending === undefined ? text : `${truncate(text, columns - before - displayWidth(ending))}${ending}`;
  const body = tone === 'quiet' ? paint('dim', shown) : shown;
  return ` ${sign} ${host === undefined ? '' : `${paint('bold', host)}  `}${body}`;
}

function paintSummary({ tone, text }: SummaryLine, paint: Painter): string {
  const style = styles[tone];
  return style === undefined || text === '' ? text : paint(style, text);
}

function paintPlan(line: string, paint: Painter): string {
  if (/^(?:Play|Plan:) /.test(line)) return paint('bold', line);
  const style = planStyles[/^ {4}([+~!-]) /.exec(line)?.[1] ?? ''];
  return style === undefined ? line : paint(style, line);
}

const planStyles: Readonly<Record<string, Style>> = { '+': 'green', '~': 'yellow', '-': 'red', '!': 'yellow' };
