import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { formatJunit } from '../../../src/render/records/junit.ts';
import { formatMetrics } from '../../../src/render/records/metrics.ts';
import { formatTraces } from '../../../src/render/records/traces.ts';
import { formatReport } from '../../../src/render/report/page.ts';
import type { Event } from '../../../src/events/event.ts';
import { streams } from '../../support/event-streams.ts';
import { checkMetrics, checkXml } from '../../support/formats.ts';

const runs = [
  'rolling',
  'canaryFails',
  'refused',
  'unreachable',
  'interrupted',
  'judged',
  'counted',
  'hostile',
] as const;

test.each(runs)('the run %s as JUnit test results', async (run) => {
  const file = formatJunit(streams[run]());
  expect(checkXml(file)).toBe('testsuites');
  await expect(file).toMatchFileSnapshot(`../../cases/render/junit/${run}.xml`);
});

test.each(['counted', 'canaryFails', 'refused'] as const)('the run %s as metrics', async (run) => {
  const file = formatMetrics(streams[run]());
  checkMetrics(file);
  await expect(file).toMatchFileSnapshot(`../../cases/render/metrics/${run}.prom`);
});

test('whatever names and messages hold, every record of every run is well formed', () => {
  const odd = '</failure>"quoted"\\ \u0001\u001b[31m\ud800 & <b> ]]> \n two';
  for (const stream of Object.values(streams)) {
    const text = JSON.stringify(stream()).replaceAll('playbooks/prod.yaml', JSON.stringify(odd).slice(1, -1));
    const events = JSON.parse(text.replaceAll('container app exited', JSON.stringify(odd).slice(1, -1))) as ReturnType<
      typeof stream
    >;
    expect(checkXml(formatJunit(events))).toBe('testsuites');
    checkMetrics(formatMetrics(events));
  }
});

const options = {
  service: 'rollout',
  idOf: (text: string, digits: number) => createHash('sha256').update(text).digest('hex').slice(0, digits),
};

test('a run as a trace: the run, its nodes and bakes, their steps', async () => {
  const payload = formatTraces(streams.canaryFails(), options);
  await expect(`${JSON.stringify(payload, undefined, 2)}\n`).toMatchFileSnapshot(
    '../../cases/render/traces/canaryFails.json',
  );
});

interface GateSpan {
  readonly name: string;
  readonly status: object;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

const gateSpans = (events: readonly Event[]): object[] => {
  const { resourceSpans } = formatTraces(events, options) as {
    readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly GateSpan[] }[] }[];
  };
  return resourceSpans
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    .filter(({ name }) => name === 'gate')
    .map((span) => ({
      status: span.status,
      ms: (Number(span.endTimeUnixNano) - Number(span.startTimeUnixNano)) / 1e6,
    }));
};

const gateCases = (events: readonly Event[]): string[] =>
  (
    formatJunit(events).match(/<testcase [^>]*name="gate [^>]*\/>|<testcase [^>]*name="gate [^]*?<\/testcase>/g) ?? []
  ).map((text) => text.replace(/\n\s*/g, ''));

test('a gate that opens, one that does not, and one that was cut off are cases and spans', () => {
  const events = streams.judged();
  const name = 'classname="web tier" name="gate ./smoke.sh at the controller"';
  expect(gateCases(events)).toEqual([`<testcase ${name} time="4.000"/>`]);
  expect(gateSpans(events)).toEqual([{ status: { code: 1 }, ms: 4000 }]);

  const shut = events.map((event) =>
    event.type === 'gate_finished' ? { ...event, ok: false, message: 'exit code 3', exitCode: 3 } : event,
  );
  expect(gateCases(shut)).toEqual([
    `<testcase ${name} time="4.000"><failure message="exit code 3" type="failure">basket: 200&#10;checkout: 200</failure></testcase>`,
  ]);
  expect(gateSpans(shut)).toEqual([{ status: { code: 2, message: 'exit code 3' }, ms: 4000 }]);
  expect(formatReport(shut)).toMatch(/badge bad">failed<[^]*exit code 3, after 4.0 s[^]*basket: 200\ncheckout: 200/);

  const cut = events.slice(0, events.findIndex(({ type }) => type === 'gate_started') + 1);
  expect(gateCases(cut)).toEqual([
    `<testcase ${name} time="0.000"><skipped message="the run ended before its gate"/></testcase>`,
  ]);
  expect(gateSpans(cut)).toEqual([{ status: {}, ms: 0 }]);
  expect(formatReport(cut)).toContain('The run ended before its gate had answered.');
});

test('every span of every run has a parent in its trace, a span of its own, and ends after it began', () => {
  interface Span {
    readonly traceId: string;
    readonly spanId: string;
    readonly parentSpanId?: string;
    readonly startTimeUnixNano: string;
    readonly endTimeUnixNano: string;
  }
  const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
  for (const stream of Object.values(streams)) {
    const { resourceSpans } = formatTraces(stream(), { ...options, parent }) as {
      readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
    };
    const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
    const ids = new Set(spans.map(({ spanId }) => spanId));
    expect(ids.size).toBe(spans.length);
    ids.add(parent.spanId);
    for (const { traceId, spanId, parentSpanId = '', startTimeUnixNano, endTimeUnixNano } of spans) {
      expect({ traceId, hasParent: ids.has(parentSpanId) }).toEqual({ traceId: parent.traceId, hasParent: true });
      expect(spanId).toMatch(/^[0-9a-f]{16}$/);
      expect(BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano)).toBe(true);
    }
  }
});
