import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { collectorOf } from '../../../src/cli/otlp.ts';
import type { RecordFlags } from '../../../src/cli/options.ts';
import { withJunitFile } from '../../../src/cli/program.ts';
import { Records } from '../../../src/cli/records.ts';
import { formatJunit } from '../../../src/render/records/junit.ts';
import { formatMetrics } from '../../../src/render/records/metrics.ts';
import { formatReport } from '../../../src/render/report/page.ts';
import { streams } from '../../support/event-streams.ts';
import { memoryStream } from '../../support/memory-stream.ts';

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rollout-records-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function record(flags: RecordFlags, env: NodeJS.ProcessEnv = {}): Promise<{ folder: string; said: string }> {
  const folder = emptyFolder();
  const stderr = memoryStream({ columns: 80, rows: 24 });
  const records = new Records(flags, { cwd: folder, env, stderr });
  for (const event of streams.counted()) records.note(event);
  await records.write();
  return { folder, said: stderr.text().replaceAll(folder, 'FOLDER') };
}

interface Taken {
  readonly path: string | undefined;
  readonly key: string | undefined;
  readonly type: string | undefined;
  readonly body: string;
}

/** A collector on loopback, that answers with this status. */
async function collect(status: number, work: (url: string) => Promise<void>): Promise<readonly Taken[]> {
  const taken: Taken[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { 'x-key': key, 'content-type': type } = request.headers;
      taken.push({ path: request.url, key: key?.toString(), type, body });
      response.writeHead(status, { location: '/elsewhere' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  return taken;
}

test('each file is whole, and nothing is left beside it; metrics can be read by their collector', async () => {
  const { folder, said } = await record({ report: 'r.html', junit: 'j.xml', metrics: 'm.prom' });
  const events = streams.counted();
  expect(said).toBe('');
  expect(readdirSync(folder)).toEqual(['j.xml', 'm.prom', 'r.html']);
  expect(readFileSync(join(folder, 'j.xml'), 'utf8')).toBe(formatJunit(events));
  expect(readFileSync(join(folder, 'm.prom'), 'utf8')).toBe(formatMetrics(events));
  expect(readFileSync(join(folder, 'r.html'), 'utf8')).toBe(formatReport(events));
  expect(['j.xml', 'm.prom', 'r.html'].map((file) => statSync(join(folder, file)).mode & 0o777)).toEqual([
    0o600, 0o644, 0o600,
  ]);
});

test('a file that cannot be written is said, and the others are written all the same', async () => {
  const folder = emptyFolder();
  mkdirSync(join(folder, 'm.prom'));
  const stderr = memoryStream({ columns: 80, rows: 24 });
  const flags = { junit: 'no/such/folder/j.xml', metrics: 'm.prom', report: 'r.html' };
  const records = new Records(flags, { cwd: folder, env: {}, stderr });
  for (const event of streams.counted()) records.note(event);
  await records.write();
  expect(readdirSync(folder)).toEqual(['m.prom', 'r.html']);
  const lines = stderr.text().replaceAll(folder, 'FOLDER').replaceAll(String(process.pid), 'PID').split('\n');
  expect(lines.map((line) => line.slice(0, 78))).toEqual(
    [
      'rollout: the JUnit file FOLDER/no/such/folder/j.xml cannot be written: ENOENT: no ',
      'rollout: the metrics file FOLDER/m.prom cannot be written: EISDIR: illegal operat',
      '',
    ].map((line) => line.slice(0, 78)),
  );
});

test('the collector gets the whole trace once, with its headers, at the path that OpenTelemetry names', async () => {
  const env = { OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20b, other=1', OTEL_SERVICE_NAME: 'shop' };
  const byFlag = await collect(200, async (url) => {
    expect((await record({ otlp: `${url}/base/` }, env)).said).toBe('');
  });
  expect(byFlag.map(({ path, key, type }) => ({ path, key, type }))).toEqual([
    { path: '/base/v1/traces', key: 'a b', type: 'application/json' },
  ]);
  const payload = JSON.stringify(JSON.parse(byFlag[0]?.body ?? ''), undefined, 2);
  await expect(`${payload}\n`).toMatchFileSnapshot('../../cases/render/traces/counted.json');
  const byVariable = await collect(200, async (url) => {
    expect((await record({}, { OTEL_EXPORTER_OTLP_ENDPOINT: url })).said).toBe('');
    expect((await record({}, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/own` })).said).toBe('');
    expect((await record({}, { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SDK_DISABLED: 'true' })).said).toBe('');
  });
  expect(byVariable.map(({ path }) => path)).toEqual(['/v1/traces', '/own']);
});

test('a collector that refuses, redirects, is away, or has no address fails nothing, and is said', async () => {
  const said: string[] = [];
  for (const status of [401, 302, 500])
    await collect(status, async (url) => void said.push((await record({ otlp: url })).said.replaceAll(url, 'URL')));
  let gone = '';
  await collect(200, (url) => Promise.resolve(void (gone = url)));
  said.push((await record({ otlp: gone })).said.replaceAll(/127\.0\.0\.1:\d+/g, 'ADDRESS'));
  said.push((await record({}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' })).said);
  expect(said).toEqual([
    'rollout: the trace was not taken by URL: it answered 401\n',
    'rollout: the trace was not taken by URL: unexpected redirect\n',
    'rollout: the trace was not taken by URL: it answered 500\n',
    'rollout: the trace was not taken by http://ADDRESS: connect ECONNREFUSED ADDRESS\n',
    'rollout: OTEL_EXPORTER_OTLP_ENDPOINT: wanted an address such as http://collector:4318, got collector:4318\n',
  ]);
  expect(() => collectorOf('collector:4318', {})).toThrow('--otlp: wanted an address such as http://collector:4318');
});

test('--output junit FILE is --junit FILE', () => {
  const forms = [
    ['prod.yaml', '--output', 'junit', 'r.xml', '-v'],
    ['run', '--output=junit', 'r.xml', 'prod.yaml'],
    ['prod.yaml', '--output', 'json'],
    ['exec', 'prod.yaml', 'web', '--', 'tool', '--output', 'junit', 'x'],
    [],
  ];
  expect(forms.map(withJunitFile)).toEqual([
    ['prod.yaml', '--junit', 'r.xml', '-v'],
    ['run', '--junit', 'r.xml', 'prod.yaml'],
    ['prod.yaml', '--output', 'json'],
    ['exec', 'prod.yaml', 'web', '--', 'tool', '--output', 'junit', 'x'],
    [],
  ]);
});
