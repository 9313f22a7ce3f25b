import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askCheck } from '../../../src/check/ask.ts';
import type { Check, Question } from '../../../src/model/check.ts';
import { Secret } from '../../../src/model/secret.ts';

let server: Server;
let address: string;
let respond: (request: IncomingMessage, response: ServerResponse) => void;
beforeAll(async () => {
  server = createServer((request, response) => respond(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function check(question: Question, timeoutMs = 20_000): Check {
  const during = ['bake'] as const;
  return { name: 'c', question, everyMs: 1000, timeoutMs, failureLimit: 1, during, isDryRun: false };
}
const ask = (question: Question, timeoutMs?: number) =>
  askCheck(check(question, timeoutMs), new AbortController().signal);

describe('prometheus', () => {
  const query = 'histogram_quantile(0.99, sum(rate(d_bucket[1m])) by (le))';
  const question = (over: object = {}): Question => ({
    kind: 'prometheus',
    url: address,
    headers: {},
    query,
    max: 0.3,
    ...over,
  });
  const answering = (status: number, body: string, headers: Record<string, string> = {}): void => {
    respond = (_, response) => {
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(body);
    };
  };
  const success = (data: object): string => JSON.stringify({ status: 'success', data });
  const vector = (...values: readonly string[]): string =>
    success({
      resultType: 'vector',
      result: values.map((value, index) => ({ metric: { instance: `h${index + 1}` }, value: [1795000000.1, value] })),
    });

  // As Prometheus 2.42 answers.
  test.each([
    ['a vector of one', 200, vector('0.21'), { outcome: 'passed', message: '0.21' }],
    ['a scalar', 200, success({ resultType: 'scalar', result: [1, '0.3'] }), { outcome: 'passed', message: '0.3' }],
    ['above max', 200, vector('0.31'), { outcome: 'failed', message: '0.31 is above max 0.3' }],
    ['+Inf', 200, vector('+Inf'), { outcome: 'failed', message: '+Inf is above max 0.3' }],
    ['exponents', 200, vector('2.5e-05'), { outcome: 'passed', message: '2.5e-05' }],
    [
      'NaN',
      200,
      vector('NaN'),
      { outcome: 'unanswered', message: 'gives NaN: there was nothing to divide by, as without requests' },
    ],
    [
      'no series',
      200,
      vector(),
      { outcome: 'unanswered', message: 'gives no series: nothing was measured, or a label does not match' },
    ],
    [
      'several series',
      200,
      vector('1', '2', '3', '4'),
      {
        outcome: 'unanswered',
        message:
          'gives 4 series ({instance="h1"}, {instance="h2"}, {instance="h3"}, …); a check needs one: put max(…) or sum(…) around it',
      },
    ],
    [
      'a range',
      200,
      success({ resultType: 'matrix', result: [] }),
      { outcome: 'unanswered', message: 'gives a matrix; a check needs one number' },
    ],
    [
      'a native histogram',
      200,
      success({ resultType: 'vector', result: [{ metric: {}, histogram: [1, {}] }] }),
      { outcome: 'unanswered', message: 'gives a histogram; a check needs one number' },
    ],
    [
      'a query that does not parse',
      400,
      '{"status":"error","errorType":"bad_data","error":"invalid parameter \\"query\\": 1:5: parse error"}',
      { outcome: 'unanswered', message: 'answered 400: bad_data: invalid parameter "query": 1:5: parse error' },
    ],
    [
      'a query that takes too long there',
      503,
      '{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}',
      { outcome: 'unanswered', message: 'answered 503: timeout: query timed out in expression evaluation' },
    ],
    [
      'success without data',
      200,
      '{"status":"success"}',
      { outcome: 'unanswered', message: 'gives a result of no known type; a check needs one number' },
    ],
    [
      'no JSON object',
      200,
      '7',
      {
        outcome: 'unanswered',
        message:
          "answered 200 with application/json, not the JSON of Prometheus' API; is url its address, and nothing in front of it?",
      },
    ],
  ])('%s', async (_, status, body, expected) => {
    answering(status, body);
    expect(await ask(question())).toEqual(expected);
  });

  test('min is a bound as well', async () => {
    answering(200, vector('4'));
    expect(await ask(question({ max: undefined, min: 5 }))).toEqual({ outcome: 'failed', message: '4 is below min 5' });
  });

  test('pages, redirections to a login and refusals speak for nothing, and say what is in the way', async () => {
    answering(200, '<html>Sign in</html>', { 'Content-Type': 'text/html' });
    expect((await ask(question())).message).toBe(
      "answered 200 with text/html, not the JSON of Prometheus' API; is url its address, and nothing in front of it?",
    );
    answering(302, '', { Location: 'https://sso.example.com/login' });
    expect((await ask(question())).message).toBe(
      'answered 302, redirected to https://sso.example.com/login; write the URL that answers itself',
    );
    answering(401, 'Unauthorized');
    expect(await ask(question())).toEqual({
      outcome: 'unanswered',
      message: 'answered 401: it wants username and password, or bearer',
    });
  });

  test('silence, a refused connection, an answer cut short and one without an end speak for nothing', async () => {
    respond = () => undefined;
    expect(await ask(question(), 50)).toEqual({
      outcome: 'unanswered',
      message: `${new URL(address).host}: no answer within 0.05 s`,
    });
    expect((await ask(question({ url: 'http://127.0.0.1:1' }))).message).toContain('ECONNREFUSED');
    respond = (_, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('{"status":');
      response.destroy();
    };
    expect((await ask(question())).outcome).toBe('unanswered');
    answering(200, 'x'.repeat(1_100_000));
    expect((await ask(question())).message).toContain('the answer has more than 1048576 bytes');
  });

  test('asks below the path of its URL, with the credentials that it has', async () => {
    const seen: string[] = [];
    respond = (request, response) => {
      seen.push(`${request.method ?? ''} ${request.url ?? ''} ${request.headers.authorization ?? '-'}`);
      response.end(vector('0'));
    };
    const token = new Secret('token', 'abc123');
    await ask(question({ url: `${address}/prometheus/`, bearer: token }));
    await ask(question({ username: 'reader', password: new Secret('password', 'pass:word') }));
    await ask(question({ headers: { 'X-Scope-OrgID': 'shop', Authorization: token } }));
    const path = `/api/v1/query?query=${new URLSearchParams({ q: query }).toString().slice(2)}`;
    expect(seen).toEqual([
      `GET /prometheus${path} Bearer abc123`,
      `GET ${path} Basic ${Buffer.from('reader:pass:word').toString('base64')}`,
      `GET ${path} abc123`,
    ]);
  });
});

describe('uri', () => {
  const question = (over: object = {}): Question => ({
    kind: 'uri',
    url: `${address}/basket`,
    method: 'GET',
    statuses: [200],
    headers: {},
    ...over,
  });

  test('is judged by status and text, and follows no redirection', async () => {
    respond = (request, response) => {
      if (request.url === '/gone') response.writeHead(302, { Location: '/basket' }).end();
      else response.end('3 items');
    };
    expect(await ask(question({ contains: 'items' }))).toEqual({ outcome: 'passed', message: 'answered 200' });
    expect(await ask(question({ contains: 'total' }))).toEqual({
      outcome: 'failed',
      message: 'answered 200 without "total"',
    });
    expect(await ask(question({ statuses: [204, 404] }))).toEqual({
      outcome: 'failed',
      message: 'answered 200, wanted 204 or 404',
    });
    expect((await ask(question({ url: `${address}/gone` }))).message).toBe('answered 302, wanted 200');
  });

  test('that is refused or silent has failed; one whose name is not known cannot be judged', async () => {
    respond = () => undefined;
    expect(await ask(question(), 50)).toEqual({ outcome: 'failed', message: 'no answer within 0.05 s' });
    expect((await ask(question({ url: 'http://127.0.0.1:1/' }))).outcome).toBe('failed');
    expect((await ask(question({ url: 'http://no-such-host.invalid/' }))).outcome).toBe('unanswered');
  });
});

describe('command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollout-check-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = (...argv: readonly string[]): Question => ({ kind: 'command', argv, folder });

  test('passes with 0, fails with anything else, in the folder of the playbook', async () => {
    writeFileSync(join(folder, 'smoke.sh'), '#!/bin/sh\necho "checked $1"\nexit "$2"\n');
    expect((await ask(run('./smoke.sh', 'h1', '0'))).message).toBe('./smoke.sh may not be run (chmod +x)');
    chmodSync(join(folder, 'smoke.sh'), 0o755);
    expect(await ask(run('./smoke.sh', 'h1', '0'))).toEqual({ outcome: 'passed', message: 'exit code 0' });
    expect(await ask(run('./smoke.sh', 'h1', '4'))).toEqual({ outcome: 'failed', message: 'exit code 4: checked h1' });
  });

  test('that cannot start or is killed says nothing; one that hangs has failed, with all that it started', async () => {
    expect(await ask(run('./missing.sh'))).toEqual({
      outcome: 'unanswered',
      message: `there is no command ./missing.sh; paths are relative to ${folder}`,
    });
    expect(await ask(run('sh', '-c', 'kill -KILL $$'))).toEqual({
      outcome: 'unanswered',
      message: 'it was ended by SIGKILL',
    });
    expect(await ask(run('sh', '-c', 'sleep 1000 & wait'), 100)).toEqual({
      outcome: 'failed',
      message: 'it did not end within 0.1 s',
    });
  });

  test('may print as much as it likes', async () => {
    expect(await ask(run('sh', '-c', 'yes | head -c 3000000; echo done; exit 1'))).toEqual({
      outcome: 'failed',
      message: 'exit code 1: done',
    });
  });
});
