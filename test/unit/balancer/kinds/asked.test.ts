import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseAnswer } from '../../../../src/balancer/answer.ts';
import { isIdle, isUncounted, unreadable, type BalancerView } from '../../../../src/balancer/view.ts';
import { openBalancer } from '../../../support/open-balancer.ts';

/** What a view says of h1, in short. */
const verdictOf = (view: BalancerView): string => {
  const trouble = unreadable(view);
  if (trouble !== undefined) return trouble;
  return isIdle(view, 'h1') ? 'drained' : isUncounted(view, 'h1') ? 'uncounted' : 'not drained';
};

test.each([
  ['up', 'not drained'],
  ['draining', 'uncounted'],
  ['draining 3', 'not drained'],
  ['draining 0', 'drained'],
  ['down', 'uncounted'],
  [' DOWN\n', 'uncounted'],
  ['down 2', 'not drained'],
  ['down 0', 'drained'],
  ['drained', 'drained'],
  ['drained 0', 'drained'],
  ['maint', 'uncounted'],
  ['maint 0', 'drained'],
])('the answer %j means %s', (answer, meaning) => {
  const view = { atMs: 0, readings: [{ balancer: 'lb', servers: new Map([['h1', parseAnswer(answer)]]) }] };
  expect(verdictOf(view)).toBe(meaning);
});

test.each(['', 'ok', 'down -1', 'down 1.5', 'up and running', '<html>down</html>'])(
  'the answer %j is none',
  (answer) => {
    expect(() => parseAnswer(answer)).toThrow(
      `answered ${JSON.stringify(answer)}; must be up, draining N, down N, drained or maint (N: open sessions)`,
    );
  },
);

describe('type: http', () => {
  let server: Server;
  let address: string;
  let answers: Readonly<Record<string, string>> = {};
  beforeAll(async () => {
    server = createServer((request, response) => {
      const answer = answers[request.url ?? ''];
      response.writeHead(answer === undefined ? 404 : 200).end(answer);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test('asks every endpoint for every server, whose name is encoded', async () => {
    answers = { '/lb1/h1?token=geheim': 'up', '/lb1/web%2F2?token=geheim': 'down 0' };
    const url = `${address}/lb1/{server}?token=geheim`;
    const balancer = openBalancer({ type: 'http', url }, ['h1', 'web/2']);
    const { readings } = await balancer.read();
    balancer.close();
    const base = { queued: 0, counters: undefined };
    expect(readings).toEqual([
      {
        balancer: `${address.slice('http://'.length)}/lb1/{server}`,
        servers: new Map([
          ['h1', { ...base, raw: 'up', status: 'up', sessions: undefined }],
          ['web/2', { ...base, raw: 'down 0', status: 'down', sessions: 0 }],
        ]),
      },
    ]);
  });

  test('an endpoint that fails is an error without the credentials of its address', async () => {
    const url = `${address.replace('//', '//ops:geheim@')}/none`;
    const balancer = openBalancer({ type: 'http', url }, ['h1']);
    expect(verdictOf(await balancer.read())).toBe(`${address.slice('http://'.length)}/none: answered 404 Not Found`);
    balancer.close();
  });
});

describe('type: command', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollout-command-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  afterEach(() => rm(join(folder, 'state.sh'), { force: true }));

  const script = async (text: string, mode = 0o755): Promise<void> => {
    await writeFile(join(folder, 'state.sh'), `#!/bin/sh\n${text}\n`);
    await chmod(join(folder, 'state.sh'), mode);
  };
  const ask = async (...command: readonly string[]): Promise<string> =>
    verdictOf(await openBalancer({ type: 'command', command }, ['h1'], folder).read());

  test("runs in the playbook's folder, with the server's name as last word", async () => {
    await script('test "$1 $2" = "--of h1" && test -f state.sh && echo drained');
    expect(await ask('./state.sh', '--of')).toBe('drained');
    expect(await ask('sh', 'state.sh', '--of')).toBe('drained');
  });

  test('says how it failed', async () => {
    expect(await ask('./state.sh')).toBe(`./state.sh: there is no such command; paths are relative to ${folder}`);
    await script('echo drained', 0o644);
    expect(await ask('./state.sh')).toBe('./state.sh: it may not be run (chmod +x)');
    await script('echo first >&2; echo no such pool >&2; exit 3');
    expect(await ask('./state.sh')).toBe('./state.sh: it exited with 3; it said: no such pool');
    await script('echo fine');
    expect(await ask('./state.sh')).toBe(
      './state.sh: answered "fine"; must be up, draining N, down N, drained or maint (N: open sessions)',
    );
  });
});
