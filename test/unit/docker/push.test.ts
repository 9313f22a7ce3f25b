import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readImageArchive } from '../../../src/docker/archive/image-archive.ts';
import { Docker } from '../../../src/docker/docker.ts';
import { pushImage } from '../../../src/docker/push.ts';
import type { SendableImage } from '../../../src/docker/push-source.ts';
import { parseImageRef, type ImageRef } from '../../../src/model/image.ts';
import type { ExecOptions, Remote } from '../../../src/ssh/remote.ts';
import { digestOf, dockerArchive } from '../../support/image-archives.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rollout-push-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const base = Buffer.alloc(4000, 'base');
const top = Buffer.alloc(300, 'top');
const ref = parseImageRef('shop/app:1') as ImageRef;

async function sendable(): Promise<SendableImage> {
  const config = (diffIds: readonly string[]): object => ({
    os: 'linux',
    architecture: 'amd64',
    rootfs: { diff_ids: diffIds },
  });
  const path = join(dir, 'image.tar');
  await writeFile(path, dockerArchive({ layers: [base, top], config, tag: 'shop/app:1' }).tar);
  const file = await open(path);
  try {
    return { path, image: await readImageArchive(file, ref) };
  } finally {
    await file.close();
  }
}

/** A host that answers so; `loads`: how each docker load ends, in docker's words where it fails. */
function host({ store = '[]', layers = [] as readonly string[][], loads = [''], id = '' }): {
  readonly docker: Docker;
  readonly sent: readonly number[];
} {
  const sent: number[] = [];
  const answer = (exitCode: number, stdout: string, stderr = '') => ({ exitCode, stdout, stderr, durationMs: 1 });
  const exec = async (argv: readonly string[], { stdin }: ExecOptions = {}) => {
    if (argv[1] === 'image') return answer(0, `${id}\n`);
    if (argv[1] !== 'load') return answer(0, [store, ...layers.map((each) => JSON.stringify(each))].join('\n'));
    let bytes = 0;
    if (stdin instanceof Readable) for await (const chunk of stdin) bytes += (chunk as Buffer).length;
    sent.push(bytes);
    const words = loads[sent.length - 1] ?? '';
    return answer(words === '' ? 0 : 1, '', words);
  };
  return { docker: new Docker({ host: 'h1', exec } as unknown as Remote), sent };
}

test('a host is sent what it lacks; where what it had is gone by then, everything', async () => {
  const image = await sendable();
  const { id } = image.image;
  const push = async (parts: Parameters<typeof host>[0]): Promise<unknown> => {
    const { docker, sent } = host({ id, ...parts });
    const pushed = await pushImage(docker, 'h1', ref, image);
    return [pushed, sent.length];
  };
  const layers = [[digestOf(base)]];
  expect(await push({})).toEqual([{ sentBytes: 4300, totalBytes: 4300 }, 1]);
  expect(await push({ layers })).toEqual([{ sentBytes: 300, totalBytes: 4300 }, 1]);
  expect(await push({ layers: [[digestOf(base), digestOf(top)]] })).toEqual([{ sentBytes: 0, totalBytes: 4300 }, 1]);
  const gone = 'open /var/lib/docker/tmp/docker-import-1/layer.tar: no such file or directory';
  expect(await push({ layers, loads: [gone, ''] })).toEqual([{ sentBytes: 4300, totalBytes: 4300 }, 2]);
});

test.each<[string, Parameters<typeof host>[0], string, number]>([
  ['a full disk', { loads: ['no space left on device'] }, 'no space left on device', 1],
  [
    'one that loads something else',
    { id: 'sha256:other' },
    'docker load ended without an error, and shop/app:1 is not there as sha256:',
    1,
  ],
  [
    "containerd's store",
    { store: '[["driver-type","io.containerd.snapshotter.v1"]]' },
    "its docker keeps images in containerd's store",
    0,
  ],
])('%s is an error of that host', async (_, parts, words, loads) => {
  const { docker, sent } = host(parts);
  await expect(pushImage(docker, 'h1', ref, await sendable())).rejects.toThrow(words);
  expect(sent.length).toBe(loads);
});
