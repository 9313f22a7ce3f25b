import type { Event } from '../../events/event.ts';
import type { RunState } from '../../events/run-state.ts';
import { formatDuration } from '../../model/duration.ts';
import { formatHosts } from '../host-list.ts';
import { derivedResult, resultTone } from '../summary.ts';
import type { HostTimeline, Phase, Timeline } from './spans.ts';
import { html, type Html } from './template.ts';
import { trafficLanes } from './traffic.ts';

/** What the balancers showed, and a lane a node, on one scale of time. Hosts that were not touched have none. */
export function timelineSection(timeline: Timeline, state: RunState, events: readonly Event[]): Html {
  if (timeline.hosts.length === 0) return html``;
  const used = new Set<LaneKind>(timeline.hosts.flatMap(({ spans }) => spans.map(({ phase }) => phase)));
  if (timeline.bakes.length > 0) used.add('bake');
  const nodes = lanes(timeline, state);
  // More than a screen of them scroll below what the balancers showed.
  const isLong = nodes.length > 30;
  return html`<section>
    <h2>Timeline</h2>
    <div class="legend">
      ${legend.filter(([kind]) => used.has(kind)).map(([kind, text]) => html`<span><i class="${kind}"></i>${text}</span>`)}
    </div>
    <div class="${isLong ? 'chart many' : 'chart'}">
      <div class="fixed">${axis(timeline)} ${trafficLanes(events, state, timeline)}</div>
      ${isLong ? html`<div class="lanes" tabindex="0" role="group" aria-label="nodes">${nodes}</div>` : html`<div class="lanes">${nodes}</div>`}
    </div>
  </section>`;
}

/** Bakes stand where they began, between the canary and those that came after. */
function lanes(timeline: Timeline, state: RunState): Html[] {
  const bakes = timeline.bakes.map((bake) => ({ startMs: bake.startMs, lane: bakeLane(bake, timeline) }));
  const hosts = timeline.hosts.map((host) => ({ startMs: host.startMs, lane: hostLane(host, timeline, state) }));
  return [...bakes, ...hosts].sort((a, b) => a.startMs - b.startMs).map(({ lane }) => lane);
}

type LaneKind = Phase | 'bake';

const legend: readonly (readonly [LaneKind, string])[] = [
  ['connect', 'connect'],
  ['pull', 'pull'],
  ['drain', 'drain'],
  ['replace', 'replace'],
  ['verify', 'verify'],
  ['admit', 'admit'],
  ['restore', 'put back'],
  ['node', 'other steps'],
  ['bake', 'bake'],
];

const phaseNames = new Map(legend);

function axis(timeline: Timeline): Html {
  const ticks = tickTimes(timeline.endMs - timeline.startMs);
  const marks = ticks.map(
    (tickMs) =>
      html`<line class="grid" x1="${percent(tickMs, timeline)}" x2="${percent(tickMs, timeline)}" y1="0" y2="14"></line>
        <text x="${percent(tickMs, timeline)}" dx="3" y="11">${formatTick(tickMs)}</text>`,
  );
  return html`<div class="lane axis"><span></span><svg aria-hidden="true">${marks}</svg><span></span></div>`;
}

/** Round steps, so that three to six of them fit, also on a phone. */
function tickTimes(totalMs: number): number[] {
  const steps = [100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000];
  const stepMs = steps.find((step) => totalMs / step <= 6) ?? 3_600_000 * Math.ceil(totalMs / 3_600_000 / 6);
  const ticks = Array.from({ length: Math.floor(totalMs / stepMs) + 1 }, (_, index) => index * stepMs);
  // A label at the very end would stand outside of the chart.
  return ticks.filter((tickMs) => tickMs <= totalMs * 0.94);
}

function formatTick(tickMs: number): string {
  return tickMs === 0 ? '0' : formatDuration(tickMs).replace(/\.0 s$/, ' s');
}

function bakeLane(bake: Timeline['bakes'][number], timeline: Timeline): Html {
  return html`<div class="lane">
    <span class="soft">${bake.wave === 'soak' ? 'soak' : 'bake'} of ${formatHosts(bake.hosts, 2)}</span>
    <svg aria-hidden="true">${bar('bake', bake, timeline)}</svg>
    <span class="soft">${formatDuration(bake.endMs - bake.startMs)}</span>
  </div>`;
}

function hostLane({ host, spans }: HostTimeline, timeline: Timeline, state: RunState): Html {
  const ended = state.hosts.get(host);
  const result = ended?.result ?? (ended === undefined ? 'untouched' : derivedResult(ended));
  return html`<div class="lane">
    <span title="${host}">${host}</span>
    <svg aria-hidden="true">${spans.map((span) => bar(span.phase, span, timeline))}</svg>
    <span class="${resultTone[result]}">${result}</span>
  </div>`;
}

function bar(kind: LaneKind, span: { readonly startMs: number; readonly endMs: number }, timeline: Timeline): Html {
  const fromMs = Math.max(0, span.startMs - timeline.startMs);
  const lengthMs = span.endMs - timeline.startMs - fromMs;
  const title = `${phaseNames.get(kind) ?? kind}: ${formatDuration(span.endMs - span.startMs)}, from ${formatDuration(fromMs)}`;
  return html`<rect
    class="${kind}"
    x="${percent(fromMs, timeline)}"
    y="1"
    width="${percent(lengthMs, timeline)}"
    height="12"
    ><title>${title}</title></rect
  >`;
}

function percent(ms: number, { startMs, endMs }: Timeline): string {
  return `${((ms / Math.max(1, endMs - startMs)) * 100).toFixed(3)}%`;
}
