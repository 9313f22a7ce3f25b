import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStage, type Stage } from './support/stage.ts';

// notify: through whole runs, as a process of its own: one webhook that hears, one that refuses, one that never answers.
let stage: Stage;
let told: Readonly<Record<string, unknown>>[] = [];
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    if (request.url === '/deaf') response.writeHead(500).end('no');
    else if (request.url !== '/hangs') {
      told.push(JSON.parse(body) as Readonly<Record<string, unknown>>);
      response.end('ok');
    }
  });
});
let notify: readonly object[];

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const on = ['started', 'failed', 'finished'];
  notify = [
    { webhook: `${base}/hook`, on },
    { webhook: `${base}/deaf`, on },
    { webhook: `${base}/hangs`, on: ['finished'], timeout: '300ms' },
    { command: ['false'], on: ['finished'] },
  ];
  stage = await startStage({ hosts: 2 });
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await stage.close();
});

const summary = ({ event, outcome, exitCode, results }: Readonly<Record<string, unknown>>): readonly unknown[] => [
  event,
  outcome,
  exitCode,
  results,
];

test('a run tells of its start and its end, and one that fails of that; who does not listen changes no exit code', async () => {
  await stage.deploy('1');
  const top = { notify };
  const good = await stage.rollout(await stage.playbook(await stage.app('2'), { top }));
  expect([good.exitCode, told.map(summary)]).toEqual([
    0,
    [
      ['started', undefined, undefined, undefined],
      ['finished', 'changed', 0, '2 updated'],
    ],
  ]);
  told = [];
  const failing = { top, appKeys: { environment: { APP_FAULT: 'crash' } } };
  const bad = await stage.rollout(await stage.playbook(await stage.app('3'), failing));
  expect([bad.exitCode, told.map(summary)]).toEqual([
    5,
    [
      ['started', undefined, undefined, undefined],
      ['failed', 'rolled_back', 5, '1 restored, 1 untouched'],
    ],
  ]);
  expect(told[1]?.['run']).toBe(bad.events[0]?.run);
  for (const { events, stderr } of [good, bad]) {
    const warnings = `${stderr}${JSON.stringify(events.filter(({ type }) => type === 'warning'))}`;
    expect(warnings).toContain('no answer within 0.3 s');
    expect(warnings).toContain('500');
  }
});

test('--quiet says one line of a run that goes well, and of one that fails what went wrong', async () => {
  await stage.deploy('1');
  const moments = (text: string): string =>
    text
      .replace(/\d{8}-\d{6}-\w+/g, 'RUN')
      .replace(/\d+(?:\.\d+)? (?:ms|s)\b/g, 'N s')
      .replace(/(?: {4}\| .*\n)+/g, '    | …\n');
  const good = await stage.plain(await stage.playbook(await stage.app('2')), '--quiet');
  expect([good.exitCode, moments(good.stdout), good.stderr]).toEqual([
    0,
    'Done: 2 updated in N s (run RUN, exit code 0)\n',
    '',
  ]);
  const again = await stage.plain(await stage.playbook(await stage.app('2')), '--quiet');
  expect([again.exitCode, moments(again.stdout), again.stderr]).toEqual([
    0,
    'Nothing to do: 2 unchanged in N s (run RUN, exit code 0)\n',
    '',
  ]);
  const failing = { appKeys: { environment: { APP_FAULT: 'crash' } } };
  const bad = await stage.plain(await stage.playbook(await stage.app('3'), failing), '--quiet');
  expect([bad.exitCode, moments(bad.stdout), bad.stderr]).toEqual([
    5,
    `h1  failed at verify app: app crashed and was restarted; its last exit code was 1
  last log lines of app:
    | …
  next: Fix app and run the playbook again.
h1  restored in N s, serving what it ran before
Failed and rolled back: 1 restored, 1 untouched in N s (run RUN, exit code 5)
`,
    '',
  ]);
});
