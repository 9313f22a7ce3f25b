import type { Event, PoolCount } from '../../events/event.ts';
import type { RunState } from '../../events/run-state.ts';
import { html, type Html } from './template.ts';
import type { Timeline } from './spans.ts';

interface Point {
  readonly atMs: number;
  readonly value: number;
}

/** What the balancers of a play showed, from the first reading on. */
interface PlayTraffic {
  readonly play: string;
  readonly servers: number;
  readonly up: readonly Point[];
  /** A second, over the span that ends at the point. */
  readonly requests: readonly Span[];
  readonly errors: readonly Span[];
  readonly errorCount: number;
  readonly requestCount: number;
}

interface Span extends Point {
  readonly fromMs: number;
}

/** Capacity, requests and errors over time, as lanes on the timeline's scale. */
export function trafficLanes(events: readonly Event[], state: RunState, timeline: Timeline): Html[] {
  const plays = state.plays.map(({ play }) => trafficOf(play, events, state)).filter(({ up }) => up.length > 0);
  return plays.map((traffic) => {
    const { play, servers, up, requests, errors, errorCount, requestCount } = traffic;
    const of = plays.length === 1 ? '' : ` ${play}`;
    const lowest = Math.min(...up.map(({ value }) => value));
    const most = Math.max(0, ...requests.map(({ value }) => value));
    const counted = requests.length > 0;
    return html`${lane(`capacity${of}`, `min ${lowest} of ${servers}`, 'capacity', steps(up, servers, timeline))}
    ${counted ? lane(`requests${of}`, `max ${perSecond(most)}`, 'requests', bars(requests, most, timeline)) : html``}
    ${
      counted
        ? lane(
            `errors${of}`,
            errorCount === 0 ? `0 of ${requestCount}` : `${errorCount} of ${requestCount}`,
            errorCount === 0 ? 'errors' : 'errors some',
            bars(errors, Math.max(1, ...errors.map(({ value }) => value)), timeline),
          )
        : html``
    }`;
  });
}

function lane(name: string, said: string, kind: string, path: string): Html {
  return html`<div class="lane ${kind}">
    <span title="${name}">${name}</span>
    <svg role="img" aria-label="${name}: ${said}" viewBox="0 0 1000 100" preserveAspectRatio="none">
      <path d="${path}"></path>
    </svg>
    <span>${said}</span>
  </div>`;
}

function trafficOf(play: string, events: readonly Event[], state: RunState): PlayTraffic {
  const up: Point[] = [];
  const requests: Span[] = [];
  const errors: Span[] = [];
  let servers = 0;
  let errorCount = 0;
  let requestCount = 0;
  for (const event of events) {
    const pool = poolOf(event, play, state);
    if (pool === undefined) continue;
    servers = Math.max(servers, pool.servers);
    up.push({ atMs: event.at, value: pool.up });
    if (event.type !== 'traffic_seen' || event.requests === undefined || event.spanMs <= 0) continue;
    const span = (amount: number): Span => ({
      fromMs: event.at - event.spanMs,
      atMs: event.at,
      value: (amount / event.spanMs) * 1000,
    });
    requests.push(span(event.requests));
    errors.push(span(event.errors ?? 0));
    requestCount += event.requests;
    errorCount += event.errors ?? 0;
  }
  return { play, servers, up, requests, errors, errorCount, requestCount };
}

/** A node's readings are its play's; a host in two plays belongs to the last one that it was in. */
function poolOf(event: Event, play: string, { hosts }: RunState): PoolCount | undefined {
  if (!('pool' in event)) return undefined;
  const of = 'play' in event ? event.play : hosts.get(event.host ?? '')?.play;
  return of === play ? event.pool : undefined;
}

/** An area of steps, from the first reading to the run's end. */
function steps(points: readonly Point[], most: number, timeline: Timeline): string {
  const [first] = points;
  if (first === undefined || most === 0) return '';
  const y = (value: number): string => (100 - (value / most) * 100).toFixed(1);
  const path = points.map(({ atMs, value }) => `H${x(atMs, timeline)}V${y(value)}`).join('');
  return `M${x(first.atMs, timeline)} 100V${y(first.value)}${path}H1000V100Z`;
}

function bars(spans: readonly Span[], most: number, timeline: Timeline): string {
  if (most === 0) return '';
  return spans
    .filter(({ value }) => value > 0)
    .map(({ fromMs, atMs, value }) => {
      const y = (100 - (value / most) * 100).toFixed(1);
      return `M${x(fromMs, timeline)} 100V${y}H${x(atMs, timeline)}V100Z`;
    })
    .join('');
}

function x(atMs: number, { startMs, endMs }: Timeline): string {
  const share = (atMs - startMs) / Math.max(1, endMs - startMs);
  return (Math.min(1, Math.max(0, share)) * 1000).toFixed(1);
}

function perSecond(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)}/s`;
}
