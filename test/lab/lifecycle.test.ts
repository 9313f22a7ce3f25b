import { mkdir } from 'node:fs/promises';
import { describe, expect, inject, test } from 'vitest';
import { askBalancer } from './support/haproxy.ts';
import { labDir } from './support/layout.ts';
import { attachLab, startLab } from './support/lab.ts';
import { difference, readMachineState } from './support/machine-state.ts';
import { claimNetwork } from './support/network.ts';
import { upAndDown } from './support/series.ts';
import { parseServers } from './support/stats-csv.ts';
import { removeLab } from './support/teardown.ts';

const name = `lifecycle-${process.pid}`;

describe.skipIf(inject('labName') === '')('the life of a lab', () => {
  test('a lab that ran containers leaves no process, mount, interface, rule, cgroup or file behind', async () => {
    const round = await upAndDown(name, 2);

    expect(round.processes).toBeGreaterThan(10);
    expect(round.leftovers).toEqual([]);
  });

  test('labs stand side by side, each with its own network, balancers and hosts', async () => {
    const [one, other] = await Promise.all([
      startLab({ name: `${name}-a`, hosts: 1, balancers: 2, check: { fall: 1 } }),
      startLab({ name: `${name}-b`, hosts: 1 }),
    ]);
    try {
      const balancers = [...one.balancers, ...other.balancers];
      expect(new Set(balancers.map(({ frontendUrl }) => frontendUrl)).size).toBe(3);
      expect(await Promise.all(balancers.map(({ adminSocket }) => serversOf(adminSocket)))).toEqual([
        [{ address: `10.213.${one.settings.network}.11`, fall: '1' }],
        [{ address: `10.213.${one.settings.network}.11`, fall: '1' }],
        [{ address: `10.213.${other.settings.network}.11`, fall: '2' }],
      ]);

      await other.close();
      expect((await one.exec('h1', ['hostname'])).stdout).toBe('h1\n');
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
  });

  test('a lab that broke off half-way is removed like any other', async () => {
    const before = await readMachineState();
    await mkdir(labDir(name));
    await claimNetwork(name, [201, 202, 203]);

    await expect(startLab({ name, hosts: 1 })).rejects.toThrow(`lab ${name} exists already`);
    expect(await removeLab(name)).toBe(true);

    expect(difference(before, await readMachineState(), name)).toEqual([]);
    expect(await removeLab(name)).toBe(false);
  });

  test('a lab that cannot start says why, and leaves nothing', async () => {
    const before = await readMachineState();

    await expect(startLab({ name, hosts: 0 })).rejects.toThrow('hosts: must be a whole number from 1 to 200; got 0');
    await expect(startLab({ name: 'Big Lab', hosts: 1 })).rejects.toThrow('--name: at most 24 lower-case letters');

    expect(difference(before, await readMachineState(), name)).toEqual([]);
  });

  test('a lab that does not exist is reported with the command that starts one', async () => {
    await expect(attachLab(name)).rejects.toThrow(
      `there is no lab ${name}; start one with: npm run lab -- up 6 --name ${name}`,
    );
  });
});

async function serversOf(adminSocket: string) {
  const state = await askBalancer(adminSocket, 'show servers state web');
  const addresses = [...state.matchAll(/^\d+ web \d+ h\d+ (\S+)/gm)].map(([, address]) => address);
  const stats = parseServers(await askBalancer(adminSocket, 'show stat'), 'web');
  return addresses.map((address, index) => ({ address, fall: stats[index]?.['check_fall'] }));
}
