import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { foldSamples, type BalancerSample } from '../../lab/support/balancer-record.ts';
import { inventoryOf } from '../../lab/support/examples.ts';
import { defaultCheck, defaultLabName, defaultNetwork, hostMac, type LabSettings } from '../../lab/support/layout.ts';
import { overlaps } from '../../lab/support/network.ts';
import { machineSystem } from '../../lab/support/system.ts';
import { tarOf } from '../../lab/support/tar.ts';

const defaultLab: LabSettings = {
  name: defaultLabName,
  hosts: 6,
  network: defaultNetwork,
  balancers: 1,
  check: defaultCheck,
  system: machineSystem,
};

describe("the balancer's record", () => {
  const sample = (atMs: number, ...statuses: readonly string[]): BalancerSample => ({
    atMs,
    statuses: new Map(statuses.map((status, index) => [`h${index + 1}`, status])),
  });

  test('counts only what is exactly UP, and tells when each server was anything else', () => {
    const samples = [
      sample(0, 'UP', 'UP', 'MAINT'),
      sample(50, 'UP 1/2', 'UP', 'MAINT'),
      sample(180, 'DOWN', 'UP', 'UP'),
      sample(230, 'UP', 'UP', 'UP'),
      sample(280, 'UP', 'DRAIN', 'UP'),
    ];

    expect(foldSamples(samples, 2)).toEqual({
      samples: 5,
      failedReads: 2,
      longestGapMs: 130,
      minimumUp: 1,
      outages: [
        { server: 'h3', fromMs: 0, untilMs: 180 },
        { server: 'h1', fromMs: 50, untilMs: 230 },
        { server: 'h2', fromMs: 280, untilMs: undefined },
      ],
    });
  });

  test('without samples it claims nothing', () => {
    expect(foldSamples([])).toEqual({ samples: 0, failedReads: 0, longestGapMs: 0, minimumUp: undefined, outages: [] });
  });
});

test('the committed inventory is the one that the default lab of 6 hosts writes', async () => {
  expect(await readFile('inventories/lab.yaml', 'utf8')).toBe(inventoryOf(defaultLab));
});

test.each([
  ['10.213.77.0/24', '10.213.77.254/32', true],
  ['10.213.77.0/24', '10.0.0.0/8', true],
  ['10.213.77.0/24', '10.213.76.0/24', false],
  ['10.213.77.0/24', '192.168.0.0/16', false],
  ['10.213.77.0/24', '0.0.0.0/0', false],
  ['200.0.0.0/8', '200.1.0.0/16', true],
])('networks %s and %s overlap: %s', (one, other, expected) => {
  expect(overlaps(one, other)).toBe(expected);
  expect(overlaps(other, one)).toBe(expected);
});

test('a host keeps its hardware address, and no two hosts share one', () => {
  expect(hostMac(77, 'h1')).toBe('02:0a:d5:4d:0b:00');
  expect(hostMac(77, 'h200')).toBe('02:0a:d5:4d:d2:00');
});

test.skipIf(process.platform === 'win32')(
  'tar reads the archives that images are made of, and equal entries make equal bytes',
  () => {
    const archive = () =>
      tarOf([
        { kind: 'folder', path: 'bin' },
        { kind: 'file', path: 'app', mode: 0o755, bytes: Buffer.from('x'.repeat(513)) },
        { kind: 'link', path: 'bin/sh', target: 'busybox' },
      ]);
    const listed = spawnSync('tar', ['-tv', '--numeric-owner', '-f', '-'], {
      input: archive(),
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
    });

    expect(listed.stderr).toBe('');
    expect(listed.stdout.split('\n').map((line) => line.replace(/\s+/g, ' '))).toEqual([
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 bin/',
      '-rwxr-xr-x 0/0 513 1970-01-01 00:00 app',
      'lrwxrwxrwx 0/0 0 1970-01-01 00:00 bin/sh -> busybox',
      '',
    ]);
    expect(archive()).toEqual(archive());
  },
);
