import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { EventOf } from '../../../src/events/event.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout } from '../../support/rollout.ts';
import { publishImage } from '../support/image.ts';
import { describeOnLab } from '../support/lab-test.ts';
import { startSlowRegistry } from '../support/slow-registry.ts';
import { tarOf } from '../support/tar.ts';

const layerOf = (name: string, bytes: number): Buffer =>
  tarOf([{ kind: 'file', path: name, mode: 0o644, bytes: randomBytes(bytes) }]);

describeOnLab('images that take long', (lab) => {
  let cwd: string;
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'rollout-pulls-'));
  });
  afterAll(() => rm(cwd, { recursive: true, force: true }));

  test('bytes grow on each host, and end as the bytes of the layers that its manifest names', async () => {
    const { settings } = lab();
    const layers = [1, 4, 8].map((megabytes) => layerOf(`data-${megabytes}`, megabytes * 1_000_000));
    const { layerBytes } = await publishImage(settings, 'shop/large', '1.0', {}, { layers });
    const health = await lab().publish('shop/health', '1.0');
    await using slow = await startSlowRegistry(settings, 1_000_000, 5056);
    const playbook = await writePlaybook(lab(), {
      file: 'pulls',
      app: `${slow.host}/shop/large:1.0`,
      health,
      strategy: { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' },
      top: { registries: Object.fromEntries([slow.host, lab().registry].map((host) => [host, { insecure: true }])) },
    });
    const { exitCode, stderr, events } = await runRollout([playbook, '--output', 'json'], {
      script: inject('rolloutScript'),
      cwd,
    });
    expect([exitCode, stderr]).toEqual([0, '']);
    const told = events.filter((event): event is EventOf<'image_progress'> => event.type === 'image_progress');
    for (const host of lab().hosts) {
      const own = told.filter((event) => event.host === host);
      const known = own.filter(({ totalBytes }) => totalBytes !== undefined);
      const done = known.map(({ doneBytes = -1 }) => doneBytes);
      process.stderr.write(
        `${host}: ${done.join(' ')} of ${known.at(-1)?.totalBytes ?? '?'}, manifest ${layerBytes}\n`,
      );
      expect(done).toEqual([...done].sort((a, b) => a - b));
      // The largest layer alone comes for eight seconds: what is between the sums of whole layers is within one.
      expect(new Set(done).size).toBeGreaterThanOrEqual(6);
      // A host may have the layer of the program from another image.
      const total = known.at(-1)?.totalBytes ?? 0;
      expect(layerBytes - total).toBeGreaterThanOrEqual(0);
      expect(layerBytes - total).toBeLessThan(2_000_000);
      const times = own.map(({ at }) => at);
      for (const [index, at] of times.slice(1).entries()) expect(at - (times[index] ?? 0)).toBeGreaterThanOrEqual(990);
    }
  }, 200_000);
});
