import { beforeAll, expect, test, vi } from 'vitest';
import { startLoad } from '../../src/sandbox/load.ts';
import { startRecord } from './support/balancer-record.ts';
import type { Lab } from './support/fleet.ts';
import { serve, servers, serversUp, soon } from './support/by-hand.ts';
import { describeOnLab } from './support/lab-test.ts';

// What the lab itself loses, without rollout: nothing when a node is updated with care, and something when it is not.
// Otherwise neither "no request lost" nor "requests lost" would say anything about rollout.
describeOnLab('updates by hand', (lab) => {
  beforeAll(async () => {
    const image = await lab().publish('shop/app', '1.0');
    await Promise.all(lab().hosts.map((host) => serve(lab(), host, image)));
    await vi.waitFor(async () => expect(await serversUp(lab())).toEqual(lab().hosts), soon);
  });

  test('a node that is drained before its app is replaced loses no request', async () => {
    const image = await lab().publish('shop/app', '2.0');
    const record = await startRecord({ statsUrl: lab().statsUrl });
    const load = startLoad({ url: lab().frontendUrl });

    for (const host of ['h1', 'h2']) {
      await lab().docker(host, ['pull', '--quiet', image]);
      await lab().docker(host, ['stop', 'health']);
      await expect.poll(() => isDrained(lab(), host), soon).toBe(true);
      await lab().docker(host, ['rm', '--force', 'app', 'health']);
      await serve(lab(), host, image);
      await expect.poll(() => serversUp(lab()), soon).toEqual(lab().hosts);
    }

    const { requests, ok, failures, byVersion } = await load.stop();
    const { minimumUp, outages } = await record.stop();
    expect({ lost: requests - ok, failures, minimumUp }).toEqual({ lost: 0, failures: [], minimumUp: 5 });
    expect(outages.map(({ server }) => server)).toEqual(['h1', 'h2']);
    expect(Object.keys(byVersion).sort()).toEqual(['1.0', '2.0']);
  });

  test('a node whose app is killed while it serves loses the requests that it had', async () => {
    const load = startLoad({ url: lab().frontendUrl, slowShare: 1 });
    await expect.poll(async () => Number((await servers(lab())).get('h3')?.['scur']), soon).toBeGreaterThan(0);
    await lab().docker('h3', ['kill', 'app']);

    const { failures } = await load.stop();
    expect(failures.map(({ kind, status }) => `${kind} ${status ?? ''}`)).toContain('status 502');
  });
});

async function isDrained(lab: Lab, host: string): Promise<boolean> {
  const server = (await servers(lab)).get(host);
  return server?.['status'] === 'DOWN' && server['scur'] === '0' && server['qcur'] === '0';
}
