import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Event } from '../../src/events/event.ts';
import { startStage, story, warningsOf, type Stage } from './support/stage.ts';

describe('checks beside the balancer', () => {
  let stage: Stage;
  let prometheus: Server;
  let url: string;
  let value: (query: string) => string | undefined;
  beforeAll(async () => {
    stage = await startStage({ hosts: 3 });
    prometheus = createServer((request, response) => {
      const query = new URL(request.url ?? '', 'http://p').searchParams.get('query') ?? '';
      const found = value(query);
      if (found === undefined) response.writeHead(503).end('<html>down</html>');
      else
        response.end(
          JSON.stringify({
            status: 'success',
            data: { resultType: 'vector', result: [{ metric: {}, value: [1, found] }] },
          }),
        );
    });
    prometheus.listen(0, '127.0.0.1');
    await once(prometheus, 'listening');
    url = `http://127.0.0.1:${(prometheus.address() as AddressInfo).port}`;
  });
  beforeEach(() => stage.deploy('1'));
  afterEach(() => stage.reset());
  afterAll(async () => {
    prometheus.close();
    await stage.close();
  });

  const update = async (checks: readonly object[], strategy: Readonly<Record<string, unknown>> = {}) =>
    stage.rollout(
      await stage.playbook(await stage.app('2'), {
        strategy: { ...strategy, checks: checks.map((check) => ({ every: '200ms', ...check })) },
      }),
    );
  const p99 = (over: object = {}) => ({ name: 'p99', prometheus: { url, query: 'p99', max: 0.3 }, ...over });
  const bakes = (events: readonly Event[]): readonly string[] =>
    events.flatMap((event) => (event.type === 'bake_finished' ? [`${event.verdict}: ${event.reason}`] : []));

  test('a number above its bound sends the canary back at once, and says why', async () => {
    value = () => '0.41';
    const { exitCode, events } = await update([p99()], { canary: { bake: '10m' } });
    expect({ exitCode, bakes: bakes(events), end: story(events).at(-1) }).toEqual({
      exitCode: 5,
      bakes: ['failed: check p99 for h1 failed: 0.41 is above max 0.3'],
      end: 'rolled_back, exit 5: h1 restored, h2 untouched, h3 untouched',
    });
    expect(events.find(({ type }) => type === 'check_result')).toMatchObject({
      check: 'p99',
      hosts: ['h1'],
      phase: 'bake',
      outcome: 'failed',
      failures: 1,
      failureLimit: 1,
    });
  });

  test('a number that is right lets it through, and the verdict names what has been asked', async () => {
    value = () => '0.2';
    const { exitCode, events } = await update([p99()]);
    expect({ exitCode, bakes: bakes(events) }).toEqual({
      exitCode: 0,
      bakes: [expect.stringMatching(/^passed: .*; passed: p99$/) as string],
    });
  });

  test('a server that does not answer is no pass: it is asked again, and the bake is inconclusive', async () => {
    value = () => undefined;
    const { events } = await update([p99()]);
    expect(bakes(events)[0]).toMatch(/^inconclusive: check p99 for h1 cannot be judged: answered 503 with/);
    const asked = events.filter((event) => event.type === 'check_result' && event.phase === 'bake');
    expect(asked.length).toBeGreaterThanOrEqual(3);
  });

  test.each([
    ['continue', 'changed, exit 0: h1 updated, h2 updated, h3 updated'],
    ['pause', 'paused, exit 7: h1 updated, h2 updated, h3 updated'],
    ['fail', 'rolled_back, exit 5: h1 restored, h2 restored, h3 restored'],
  ] as const)(
    'a check that cannot be judged in fan-out goes the way of on_inconclusive: %s',
    async (on_inconclusive, end) => {
      value = () => undefined;
      const { events } = await update([p99({ during: ['fan_out'] })], { canary: { on_inconclusive } });
      expect(story(events).at(-1)).toBe(end);
      const said = { continue: 'warning', pause: 'run_paused', fail: 'warning' }[on_inconclusive];
      expect(JSON.stringify(events.find(({ type }) => type === said))).toContain(
        'check p99 cannot be judged: answered 503 with',
      );
    },
  );

  test('with on_failure: continue a canary that fails its bake goes back, and the others are updated: exit 3', async () => {
    value = () => '0.41';
    const { events } = await update([p99({ during: ['bake'] })], { on_failure: 'continue' });
    expect(story(events)).toEqual([
      'h1 starts: canary',
      'h1 done',
      'bake failed',
      'h1 failed: bake: check p99 for h1 failed: 0.41 is above max 0.3',
      'h1 starts: rollback',
      'h1 restored',
      ...['h2', 'h3'].flatMap((host) => [`${host} starts: fan_out`, `${host} done`]),
      'failed, exit 3: h1 restored, h2 updated, h3 updated',
    ]);
    expect(warningsOf(events)).toEqual([
      'the canary h1 failed its bake: check p99 for h1 failed: 0.41 is above max 0.3: the others are updated all the same (on_failure: continue)',
    ]);
  });

  test('with on_failure: pause a canary that fails its bake goes back, and resume begins with a canary again', async () => {
    value = () => '0.41';
    const paused = await update([p99({ during: ['bake'] })], { on_failure: 'pause' });
    expect(story(paused.events).slice(3)).toEqual([
      'h1 failed: bake: check p99 for h1 failed: 0.41 is above max 0.3',
      'h1 starts: rollback',
      'h1 restored',
      'paused',
      'paused, exit 7: h1 restored, h2 untouched, h3 untouched',
    ]);
    value = () => '0.1';
    const resumed = await stage.rollout('resume', paused.events[0]?.run ?? '');
    expect(story(resumed.events).slice(0, 3)).toEqual(['h1 starts: canary', 'h1 done', 'bake passed']);
    expect(story(resumed.events).at(-1)).toBe('changed, exit 0: h1 updated, h2 updated, h3 updated');
  });

  test('with on_failure: continue a check that fails in fan-out stops nobody: exit 3', async () => {
    value = () => '0.41';
    const { events } = await update([p99({ during: ['fan_out'] })], { on_failure: 'continue' });
    expect(story(events).at(-1)).toBe('failed, exit 3: h1 updated, h2 updated, h3 updated');
  });

  test('failure_limit and dry_run: what is borne and what is only said', async () => {
    let asked = 0;
    value = (query) => (query === 'flaky' && (asked += 1) > 1 ? '0' : '1');
    const flaky = { name: 'flaky', prometheus: { url, query: 'flaky', max: 0 }, failure_limit: 2, during: ['bake'] };
    const dry = { name: 'tried out', prometheus: { url, query: 'bad', max: 0 }, dry_run: true };
    const { exitCode, events } = await update([flaky, dry]);
    expect(exitCode).toBe(0);
    expect(bakes(events)[0]).toMatch(/; passed: flaky$/);
    expect(events.find((event) => event.type === 'check_result' && event.check === 'tried out')).toMatchObject({
      outcome: 'failed',
      dryRun: true,
    });
  });

  test('a command is asked for each host by itself, and in fan-out takes back what was updated', async () => {
    value = () => '0';
    await writeFile(
      join(stage.fleet.dir, 'smoke.sh'),
      '#!/bin/sh\n[ "$1" != h2 ] || { echo "no basket on $1"; exit 3; }\n',
      {
        mode: 0o755,
      },
    );
    const command = { name: 'smoke', command: ['./smoke.sh', '{{ inventory_hostname }}'] };
    const { exitCode, events } = await update([command]);
    expect({ exitCode, end: story(events).at(-1) }).toMatchObject({ exitCode: 5 });
    expect(story(events).at(-1)).toMatch(/^rolled_back, exit 5: h1 restored, h2 restored, h3 (untouched|restored)$/);
    expect(
      events.flatMap((event) => (event.type === 'check_result' && event.outcome === 'failed' ? [event.message] : [])),
    ).toEqual(expect.arrayContaining(['exit code 3: no basket on h2']));
  });

  test('credentials go to the server and nowhere else', async () => {
    value = () => undefined;
    const playbook = await stage.playbook(await stage.app('2'), {
      top: { secrets: { token: { env: 'PROM_TOKEN' } } },
      strategy: {
        checks: [
          { name: 'p99', prometheus: { url, query: 'p99', max: 0.3, bearer: { secret: 'token' } }, every: '200ms' },
        ],
      },
    });
    const seen = new Set<string | undefined>();
    prometheus.on('request', ({ headers }) => seen.add(headers.authorization));
    process.env['PROM_TOKEN'] = 'tok-5d1f0a';
    const { stdout, stderr } = await stage.rollout(playbook, '-vvv');
    delete process.env['PROM_TOKEN'];
    expect([...seen]).toEqual(['Bearer tok-5d1f0a']);
    expect(`${stdout}${stderr}`).not.toContain('tok-5d1f0a');
  });
});
