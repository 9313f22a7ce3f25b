import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Event, EventBody } from '../../../src/events/event.ts';
import type { NotifyTarget } from '../../../src/model/notify.ts';
import { Secret } from '../../../src/model/secret.ts';
import { mostMessages, Notifier } from '../../../src/notify/notifier.ts';

const event = (body: EventBody): Event => ({ v: 1, at: 1000, run: 'r1', ...body });
const started = event({
  type: 'run_started',
  command: 'run',
  playbook: 'prod.yaml',
  version: '1',
  user: 'deploy',
  plays: [{ play: 'web', hosts: ['h1', 'h2'] }],
});
const failed = event({
  type: 'node_failed',
  host: 'h1',
  failure: {
    op: { kind: 'verify', text: 'verify app', cause: '' },
    message: 'it said <!channel> & died',
    logs: ['secret log'],
  },
});
const rolledBack = event({
  type: 'run_finished',
  outcome: 'rolled_back',
  exitCode: 5,
  durationMs: 2000,
  hosts: { h1: { result: 'restored' }, h2: { result: 'untouched' } },
});
const about = { name: 'shop', playbook: 'prod.yaml' };

describe('a notification', () => {
  let folder: string;
  let asked: { path: string; type: string | undefined; body: string }[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      asked.push({ path: request.url ?? '', type: request.headers['content-type'], body });
      answer(request, response);
    });
  });
  let base: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rollout-notify-'));
    asked = [];
    answer = (_request, response) => response.end('ok');
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    rmSync(folder, { recursive: true });
  });

  const webhook = (parts: Partial<NotifyTarget> = {}): NotifyTarget =>
    ({
      kind: 'webhook',
      url: `${base}/hook`,
      form: 'json',
      on: ['started', 'failed', 'node_failed'],
      timeoutMs: 5000,
      ...parts,
    }) as NotifyTarget;
  const command = (argv: readonly string[], parts: Partial<NotifyTarget> = {}): NotifyTarget =>
    ({ kind: 'command', argv, folder, form: 'text', on: ['finished'], timeoutMs: 5000, ...parts }) as NotifyTarget;

  async function told(targets: readonly NotifyTarget[], events: readonly Event[]): Promise<readonly string[]> {
    const warnings: string[] = [];
    const notifier = new Notifier(targets, about, (message) => warnings.push(message));
    for (const each of events) notifier.see(each);
    await notifier.close();
    return warnings;
  }

  test('is posted as JSON, a message an event, in order, with no log in it', async () => {
    expect(await told([webhook()], [started, failed, rolledBack])).toEqual([]);
    const base1 = { v: 1, at: 1000, run: 'r1', ...about };
    const failures = [{ host: 'h1', message: 'verify app: it said <!channel> & died' }];
    expect(asked.map(({ path, type, body }) => ({ path, type, body: JSON.parse(body) as unknown }))).toEqual(
      [
        { ...base1, event: 'started', text: 'shop: run r1 has started on 2 hosts' },
        {
          ...base1,
          event: 'node_failed',
          failures,
          text: 'shop: h1 failed: verify app: it said <!channel> & died (run r1)',
        },
        {
          ...base1,
          event: 'failed',
          outcome: 'rolled_back',
          exitCode: 5,
          results: '1 restored, 1 untouched',
          failures,
          text: 'shop: Failed and rolled back: 1 restored, 1 untouched in 2.0 s (run r1, exit code 5)',
        },
      ].map((body) => ({ path: '/hook', type: 'application/json', body })),
    );
  });

  test("in Slack's form is text in which nothing of a host becomes a mention", async () => {
    const url = new Secret('slack_url', `${base}/services/T0/B0`);
    expect(await told([webhook({ form: 'slack', on: ['node_failed'], url })], [started, failed, rolledBack])).toEqual(
      [],
    );
    expect(asked.map(({ path, body }) => [path, body])).toEqual([
      ['/services/T0/B0', '{"text":"shop: h1 failed: verify app: it said &lt;!channel&gt; &amp; died (run r1)"}'],
    ]);
  });

  test('is the stdin of a command', async () => {
    expect(await told([command(['sh', '-c', 'cat >told'])], [started, rolledBack])).toEqual([]);
    expect(readFileSync(join(folder, 'told'), 'utf8')).toBe(
      'shop: Failed and rolled back: 1 restored, 1 untouched in 2.0 s (run r1, exit code 5)\n',
    );
  });

  test('that cannot be sent is a warning without the address, and a redirect is not followed', async () => {
    answer = (_request, response) => response.writeHead(302, { location: `${base}/elsewhere` }).end();
    const url = new Secret('slack_url', `${base}/s3cret`);
    const nobody = new Secret('slack_url', 'http://127.0.0.1:1/s3cret');
    const on = ['finished'] as const;
    const warnings = await told(
      [
        webhook({ url, on }),
        webhook({ url: nobody, on }),
        webhook({ url: new Secret('slack_url', 'no url s3cret'), on }),
        webhook({ url: new Secret('slack_url', 'file:///s3cret'), on }),
        command(['sh', '-c', 'echo no room >&2; exit 3']),
        command([join(folder, 'missing')]),
      ],
      [started, rolledBack],
    );
    expect(asked.map(({ path }) => path)).toEqual(['/s3cret']);
    expect(
      [...warnings].sort().map((text) => text.replace(/spawn .* ENOENT/, 'ENOENT').replace(/ENOENT.*/, 'ENOENT')),
    ).toEqual([
      'notify[0] (webhook) could not be told that the run has finished: it answered 302; redirects are not followed',
      'notify[1] (webhook) could not be told that the run has finished: ECONNREFUSED',
      'notify[2] (webhook) could not be told that the run has finished: its address is no URL',
      'notify[3] (webhook) could not be told that the run has finished: its address is no http:// or https:// URL',
      expect.stringContaining('notify[4] (command) could not be told that the run has finished: '),
      expect.stringContaining('notify[5] (command) could not be told that the run has finished: '),
    ]);
    expect(warnings.join()).not.toContain('s3cret');
  });

  test('that nobody answers is given up at its deadline, and a talker without end is not read', async () => {
    answer = () => undefined;
    const on = ['started', 'node_failed', 'finished'] as const;
    const silent = webhook({ on, timeoutMs: 50 });
    const why = 'no answer within 0.05 s';
    // Once in between, and once more at the end.
    expect(await told([silent], [started, failed, failed, rolledBack])).toEqual([
      `notify[0] (webhook) could not be told that the run has started: ${why}`,
      `notify[0] (webhook) could not be told that the run has finished: ${why}`,
    ]);
    answer = (_request, response) => {
      const pour = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', pour);
      pour();
    };
    expect(await told([webhook({ on: ['finished'] })], [started, rolledBack])).toEqual([]);
    expect(await told([command(['sh', '-c', 'head -c 3000000 /dev/zero'])], [started, rolledBack])).toEqual([]);
  });

  test('of a fleet that fails node by node comes so often and no more, and then the end', async () => {
    const many = Array.from({ length: 100 }, () => failed);
    expect(await told([webhook()], [...many, rolledBack])).toEqual([]);
    expect(asked).toHaveLength(mostMessages + 1);
    expect(JSON.parse(asked.at(-1)?.body ?? '')).toMatchObject({ event: 'failed' });
  });
});
