import type { Event } from '../../events/event.ts';
import { foldEvents } from '../../events/fold.ts';
import { outcomeSentence } from '../sentence.ts';
import { buildTimeline } from '../report/spans.ts';
import { derivedResult } from '../summary.ts';

/** What a trace needs from outside. */
export interface TraceOptions {
  /** `service.name`. */
  readonly service: string;
  /** Hex digits, as many as asked for; the same for the same text. */
  readonly idOf: (text: string, digits: number) => string;
  /** The span that a run belongs to, of the CI job for instance. */
  readonly parent?: { readonly traceId: string; readonly spanId: string };
}

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

interface SpanBody {
  readonly name: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  /** Undefined: it is not over. */
  readonly ok: boolean | undefined;
  readonly message?: string | undefined;
}

/** A run as one trace, in OTLP's JSON: the run, its nodes, bakes and gates below it, their steps below those. Events hold no secrets. */
export function formatTraces(events: readonly Event[], { service, idOf, parent }: TraceOptions): object {
  const state = foldEvents(events);
  const timeline = buildTimeline(events);
  const traceId = parent?.traceId ?? idOf(state.run, 32);
  const spanIdOf = (...path: readonly (string | number)[]): string => idOf([state.run, ...path].join('\u0000'), 16);
  const rootId = spanIdOf();
  const root: SpanBody = {
    name: `rollout ${state.command ?? 'run'}`,
    spanId: rootId,
    ...(parent === undefined ? {} : { parentSpanId: parent.spanId }),
    startMs: timeline.startMs,
    endMs: timeline.endMs,
    attributes: {
      'rollout.run': state.run,
      'rollout.playbook': state.playbook,
      'rollout.composition': state.composition,
      'rollout.outcome': state.outcome ?? 'cut_off',
      'rollout.exit_code': state.exitCode,
      'rollout.hosts': state.hosts.size,
      'enduser.id': state.user,
    },
    ok: state.outcome === undefined ? undefined : state.exitCode === 0,
    message: outcomeSentence(state),
  };
  const bakes = timeline.bakes.map(({ wave, hosts, startMs, endMs }, index): SpanBody => ({
    name: wave === 'soak' ? 'soak' : `bake ${wave}`,
    spanId: spanIdOf('bake', index),
    parentSpanId: rootId,
    startMs,
    endMs,
    attributes: { 'rollout.wave': wave, 'rollout.hosts': hosts.join(',') },
    ok: true,
  }));
  const gates = state.plays.flatMap(({ play, gates: asked }) =>
    asked.map(({ gate, hosts, startedAtMs, end }, index): SpanBody => ({
      name: 'gate',
      spanId: spanIdOf('gate', play, index),
      parentSpanId: rootId,
      startMs: startedAtMs,
      endMs: end?.atMs ?? timeline.endMs,
      attributes: { 'rollout.play': play, 'rollout.gate': gate, 'rollout.hosts': hosts.join(',') },
      ok: end?.ok,
      message: end?.message,
    })),
  );
  const nodes = timeline.hosts.flatMap(({ host, startMs, spans, ops }): SpanBody[] => {
    const ended = state.hosts.get(host);
    const result = ended === undefined ? 'untouched' : (ended.result ?? derivedResult(ended));
    const nodeId = spanIdOf('node', host);
    return [
      {
        name: `node ${host}`,
        spanId: nodeId,
        parentSpanId: rootId,
        startMs,
        endMs: Math.max(startMs, ...spans.map(({ endMs }) => endMs)),
        attributes: { 'host.name': host, 'rollout.result': result, 'rollout.play': ended?.play },
        ok: ended?.failure === undefined && result !== 'failed',
        message: ended?.failure?.message,
      },
      ...ops.map(({ op, startMs: opMs, endMs, ok, exitCode, message }, index): SpanBody => ({
        name: op.text,
        spanId: spanIdOf('op', host, index),
        parentSpanId: nodeId,
        startMs: opMs,
        endMs: endMs ?? timeline.endMs,
        attributes: {
          'host.name': host,
          'rollout.op': op.kind,
          'rollout.cause': op.cause,
          'rollout.service': op.service,
          'rollout.exit_code': exitCode,
        },
        ok,
        message,
      })),
    ];
  });
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf({ 'service.name': service, 'service.version': state.version }) },
        scopeSpans: [
          {
            scope: { name: 'rollout', ...(state.version === undefined ? {} : { version: state.version }) },
            spans: [root, ...bakes, ...gates, ...nodes].map((span) => spanJson(span, traceId)),
          },
        ],
      },
    ],
  };
}

function spanJson(
  { name, spanId, parentSpanId, startMs, endMs, attributes, ok, message }: SpanBody,
  traceId: string,
): object {
  return {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    // SPAN_KIND_INTERNAL
    kind: 1,
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(endMs),
    attributes: attributesOf(attributes),
    status: ok === false ? { code: 2, ...(message === undefined ? {} : { message }) } : ok === true ? { code: 1 } : {},
  };
}

/** As the protocol wants 64 bits in JSON: digits in a string. */
function nanoseconds(ms: number): string {
  return `${Math.round(ms)}000000`;
}

function attributesOf(attributes: Attributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]): object[] =>
    value === undefined ? [] : [{ key, value: valueOf(value) }],
  );
}

function valueOf(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value };
  return typeof value === 'boolean' ? { boolValue: value } : { intValue: String(value) };
}
