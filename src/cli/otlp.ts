import { createHash } from 'node:crypto';
import { exitCodes } from '../events/exit-code.ts';
import { RunRefused } from '../engine/context.ts';
import type { Event } from '../events/event.ts';
import { formatTraces } from '../render/records/traces.ts';

/** Where traces go, and with which headers. */
export interface Collector {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Less than OpenTelemetry's 10 s: the run is over, and its exit code waits for this. */
const defaultTimeoutMs = 3000;

/**
 * The collector that the flag or OpenTelemetry's own variables name; undefined where there is none.
 * @throws RunRefused for an address that is none
 */
export function collectorOf(flag: string | undefined, env: NodeJS.ProcessEnv): Collector | undefined {
  if (flag === undefined && env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return undefined;
  const own = nonEmpty(env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);
  const base = flag ?? (own === undefined ? nonEmpty(env['OTEL_EXPORTER_OTLP_ENDPOINT']) : undefined);
  const written = base ?? own;
  if (written === undefined) return undefined;
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const from = flag === undefined ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : '--otlp';
    throw new RunRefused(exitCodes.usage, `${from}: wanted an address such as http://collector:4318, got ${written}`);
  }
  if (base !== undefined) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  const timeoutMs = Number(env['OTEL_EXPORTER_OTLP_TIMEOUT'] ?? defaultTimeoutMs);
  return {
    url,
    headers: headersOf(env['OTEL_EXPORTER_OTLP_TRACES_HEADERS'] ?? env['OTEL_EXPORTER_OTLP_HEADERS'] ?? ''),
    timeoutMs: Number.isFinite(timeoutMs) && timeoutMs > 0 ? timeoutMs : defaultTimeoutMs,
  };
}

/** Sends the run as a trace, once. @throws Error saying why the collector did not take it */
export async function sendTraces(
  events: readonly Event[],
  { url, headers, timeoutMs }: Collector,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const parent = parentOf(env['TRACEPARENT']);
  const body = formatTraces(events, {
    service: nonEmpty(env['OTEL_SERVICE_NAME']) ?? 'rollout',
    idOf: (text, digits) => createHash('sha256').update(text).digest('hex').slice(0, digits),
    ...(parent === undefined ? {} : { parent }),
  });
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    // Its headers are credentials, and meant for this collector.
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`it answered ${response.status}`);
}

/** `key=value,key=value`, percent-encoded, as the variable is specified. */
function headersOf(text: string): Record<string, string> {
  const pairs = text.split(',').flatMap((pair) => {
    const [, name = '', value = ''] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
    return name === '' ? [] : [[name.toLowerCase(), decoded(value)] as const];
  });
  return Object.fromEntries(pairs);
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** W3C's traceparent: `00-TRACE-SPAN-FLAGS`. */
function parentOf(text: string | undefined): { readonly traceId: string; readonly spanId: string } | undefined {
  const [, traceId, spanId] = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(text ?? '') ?? [];
  return traceId === undefined || spanId === undefined || /^0+$/.test(traceId) ? undefined : { traceId, spanId };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
