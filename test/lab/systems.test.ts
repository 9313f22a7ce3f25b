import { describe, expect, inject, test } from 'vitest';
import { startLab } from './support/lab.ts';
import { upAndDown } from './support/series.ts';
import { machineSystem, type HostSystem } from './support/system.ts';

const name = `systems-${process.pid}`;

describe.skipIf(inject('labName') === '')('hosts with a system of their own', () => {
  test('a lab of hosts under systemd leaves no process, mount, interface, rule, cgroup or file behind', async () => {
    const round = await upAndDown(name, 2, { release: 'sid', init: 'systemd', store: 'containerd' });

    expect(round.processes).toBeGreaterThan(10);
    expect(round.leftovers).toEqual([]);
  });

  test('a host under systemd is whole, on cgroup version 2, and keeps its disk and its containers through a power failure', async () => {
    const lab = await startLab({ name, hosts: 1, system: { release: 'sid', init: 'systemd', store: 'overlay2' } });
    try {
      const image = await lab.publish('shop/app', '1.0');
      await lab.docker('h1', ['run', '--detach', '--name=app', '--restart=always', image]);
      await lab.exec('h1', ['sh', '-c', 'for place in /srv /etc /usr/lib /run; do echo kept >$place/lab-file; done']);
      await lab.hostDown('h1');
      await lab.hostUp('h1');
      await expect
        .poll(async () => (await lab.exec('h1', ['systemctl', 'is-system-running'])).stdout, { timeout: 30_000 })
        .toBe('running\n');
      const said = (
        await lab.docker('h1', ['info', '--format', '{{.CgroupVersion}} {{.CgroupDriver}} {{.Driver}}'])
      ).trim();
      expect(said).toBe('2 systemd overlay2');
      await expect
        .poll(() => lab.docker('h1', ['inspect', '--format', '{{.State.Running}}', 'app']), { timeout: 30_000 })
        .toBe('true\n');
      const files = await lab.exec('h1', [
        'sh',
        '-c',
        'cat /srv/lab-file /etc/lab-file /usr/lib/lab-file; ls /run/lab-file',
      ]);
      expect(files).toMatchObject({ exitCode: 2, stdout: 'kept\nkept\nkept\n' });
    } finally {
      await lab.close();
    }
  });

  test.each<[HostSystem, string]>([
    [{ ...machineSystem, init: 'systemd' }, '--init systemd: needs hosts with a system of their own'],
    [{ ...machineSystem, store: 'containerd' }, '--containerd-store: docker 20.10 has none'],
    [{ release: 'bookworm', init: 'systemd', store: 'containerd' }, '--containerd-store: docker 20.10 has none'],
  ])('what does not go together is refused before anything starts: %j', async (system, words) => {
    await expect(startLab({ name, hosts: 1, system })).rejects.toThrow(words);
  });
});
