import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runRollout } from '../support/rollout.ts';
import { startStage, type Stage } from './support/stage.ts';

const password = 'hunter2hunter2';
let stage: Stage;
let file: string;
beforeAll(async () => {
  stage = await startStage({ hosts: 2 });
  await stage.deploy('1');
  file = await stage.playbook(await stage.app('2'), {
    appKeys: { environment: { DB_PASSWORD: { secret: 'db' } } },
    top: { secrets: { db: { env: 'DB_PASSWORD' } } },
  });
});
afterAll(() => stage.close());

interface Span {
  readonly name: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceId: string;
}

async function collector(
  answer: (request: IncomingMessage) => Promise<boolean>,
): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    // One that hangs answers never.
    void answer(request).then((answers) => answers && response.writeHead(200).end('{}'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const run = (env: Readonly<Record<string, string>>, ...args: readonly string[]) =>
  runRollout([file, '--output', 'plain', ...args], {
    script: inject('rolloutScript'),
    cwd: stage.cwd,
    env: { DB_PASSWORD: password, ...env },
  });

test('a run leaves metrics, and a trace of its nodes and operations at the collector, without a secret', async () => {
  const received: { path: string | undefined; body: string }[] = [];
  const { server, url } = await collector(async (request) => {
    received.push({ path: request.url, body: await text(request) });
    return true;
  });
  const { exitCode, stderr } = await run({}, '--metrics', 'rollout.prom', '--otlp', url);
  server.close();
  expect({ exitCode, stderr, paths: received.map(({ path }) => path) }).toEqual({
    exitCode: 0,
    stderr: '',
    paths: ['/v1/traces'],
  });
  const [{ body } = { body: '{}' }] = received;
  const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
  const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  const [root, ...others] = spans.filter(({ parentSpanId }) => parentSpanId === undefined);
  const nodes = spans.filter(({ parentSpanId }) => parentSpanId === root?.spanId).map(({ name }) => name);
  const known = new Set(spans.map(({ spanId }) => spanId));
  const operations = spans.filter(({ name }) => /app/.test(name)).length;
  expect({ others, traces: new Set(spans.map(({ traceId }) => traceId)).size }).toEqual({ others: [], traces: 1 });
  expect(nodes.join()).toMatch(/h1.*h2/);
  expect(spans.every(({ parentSpanId }) => parentSpanId === undefined || known.has(parentSpanId))).toBe(true);
  expect(operations).toBeGreaterThanOrEqual(2 * 3);

  const metrics = await readFile(join(stage.cwd, 'rollout.prom'), 'utf8');
  expect(metrics).toMatch(/^rollout_run_success\{.*\} 1$/m);
  expect(metrics).toMatch(/^rollout_run_hosts\{.*result="updated".*\} 2$/m);
  for (const said of [body, metrics]) expect(said).not.toContain(password);
});

test('a collector that hangs, or is away, changes nothing but a line: the exit code is the run’s', async () => {
  const { server, url } = await collector(() => Promise.resolve(false));
  const hanging = await run({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_TIMEOUT: '200' });
  server.closeAllConnections();
  server.close();
  const away = await run({}, '--otlp', url);
  expect([hanging.exitCode, away.exitCode]).toEqual([0, 0]);
  expect(hanging.stderr).toBe(`rollout: the trace was not taken by ${url}: it did not answer in time\n`);
  expect(away.stderr).toMatch(/^rollout: the trace was not taken by .*: connect ECONNREFUSED .*\n$/);
});
