import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startStage, story, warningsOf, type Stage } from './support/stage.ts';

describe('a balancer behind an endpoint of its own', () => {
  let stage: Stage;
  let server: Server;
  /** What is said of a server that the sandbox's balancer does not send to. */
  let wordForDown = 'drained';
  beforeAll(async () => {
    stage = await startStage();
    server = createServer((request, response) => {
      const name = (request.url ?? '').slice(1);
      response.end(stage.fleet.sandbox.balancer.status(name) === 'UP' ? 'up' : wordForDown);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  beforeEach(() => stage.deploy('1'));
  afterEach(() => stage.reset());
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    await stage.close();
  });

  const update = async (word: string, drain: object) => {
    wordForDown = word;
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/{server}`;
    const parts = { play: { load_balancer: { type: 'http', url } }, strategy: { drain } };
    return stage.rollout(await stage.playbook(await stage.app('2'), parts));
  };
  const cutWarnings = (events: Parameters<typeof warningsOf>[0]) =>
    warningsOf(events).filter((message) => message.includes('drained'));

  test.each(['drained', 'down 0', 'draining 0'])('that says %j has drained its node', async (word) => {
    const { events, exitCode } = await update(word, { timeout: '20s', on_timeout: 'fail' });
    expect({ exitCode, warnings: cutWarnings(events) }).toEqual({ exitCode: 0, warnings: [] });
  });

  test('that says down without a count has not: the node goes on at the timeout, and that is said', async () => {
    const { events, exitCode } = await update('down', { timeout: '300ms', on_timeout: 'force' });
    expect(exitCode).toBe(0);
    expect(cutWarnings(events)).toEqual(
      ['h1', 'h2', 'h3', 'h4'].map(
        (host) =>
          `${host} is not known to be drained after 300 ms: down; requests that it still has are cut. Its answer must end with drained, or have a count, as in down 0.`,
      ),
    );
  });

  test('that says down without a count has not: with on_timeout: fail the node is put back', async () => {
    const { events, exitCode } = await update('down', { timeout: '300ms', on_timeout: 'fail' });
    expect(exitCode).toBe(5);
    expect(story(events)[1]).toBe(
      'h1 failed: stop health, drain h1: not known to be drained after 300 ms: down (drain.on_timeout: fail)',
    );
  });
});
