import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readImageArchive } from '../../../src/docker/archive/image-archive.ts';
import { readOciImage } from '../../../src/docker/archive/oci-layout.ts';
import { Docker } from '../../../src/docker/docker.ts';
import { pushImage, type PushedBytes } from '../../../src/docker/push.ts';
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
    const image = await readImageArchive(file, ref);
    return { path, image, oci: () => readOciImage(path, image) };
  } finally {
    await file.close();
  }
}

interface Host {
  /** Of each of its images, as docker tells them. */
  readonly layers?: readonly unknown[];
  /** How each docker load ends, in docker's words where it fails. */
  readonly loads?: readonly string[];
  /** What each docker load prints, of those that do not fail. */
  readonly prints?: readonly string[];
  readonly id?: string;
  /** Layers of the image, as docker names them after each load. */
  readonly rootFs?: readonly (readonly string[] | undefined)[];
}

const whole = [digestOf(base), digestOf(top)];

function host({ layers = [], loads = [], prints = [], id = '', rootFs = [] }: Host): {
  readonly docker: Docker;
  readonly sent: readonly number[];
} {
  const sent: number[] = [];
  const answer = (exitCode: number, stdout: string, stderr = '') => ({ exitCode, stdout, stderr, durationMs: 1 });
  const exec = async (argv: readonly string[], { stdin }: ExecOptions = {}) => {
    const nth = sent.length - 1;
    if (argv[1] === 'image') {
      const Layers = nth in rootFs ? rootFs[nth] : whole;
      return answer(0, `${id} ${JSON.stringify({ Type: 'layers', Layers })}\n`);
    }
    if (argv[1] !== 'load') return answer(0, layers.map((each) => JSON.stringify(each)).join('\n'));
    let bytes = 0;
    if (stdin instanceof Readable) for await (const chunk of stdin) bytes += (chunk as Buffer).length;
    sent.push(bytes);
    const words = loads[nth + 1] ?? '';
    return answer(words === '' ? 0 : 1, prints[nth + 1] ?? '', words);
  };
  return { docker: new Docker({ host: 'h1', exec } as unknown as Remote), sent };
}

test('a host is sent what it lacks; where what it had is gone by then, everything', async () => {
  const image = await sendable();
  const { id } = image.image;
  const push = async (parts: Host): Promise<unknown> => {
    const { docker, sent } = host({ id, ...parts });
    const pushed = await pushImage(docker, 'h1', { ...ref, imageId: id }, image);
    return [pushed, sent.length];
  };
  const layers = [[digestOf(base)]];
  expect(await push({})).toEqual([{ sentBytes: 4300, totalBytes: 4300 }, 1]);
  expect(await push({ layers })).toEqual([{ sentBytes: 300, totalBytes: 4300 }, 1]);
  expect(await push({ layers: [whole] })).toEqual([{ sentBytes: 0, totalBytes: 4300 }, 1]);
  const gone = 'open /var/lib/docker/tmp/docker-import-1/layer.tar: no such file or directory';
  expect(await push({ layers, loads: [gone, ''] })).toEqual([{ sentBytes: 300 + 4300, totalBytes: 4300 }, 2]);
});

test("a host with containerd's store is sent the files that it lacks; where one that it had is gone by then, everything", async () => {
  const image = await sendable();
  const { id } = await image.oci();
  expect(id).not.toBe(image.image.id);
  const push = async (parts: Host): Promise<unknown> => {
    const { docker, sent } = host({ id, ...parts });
    const pushed = await pushImage(docker, 'h1', { ...ref, imageId: id }, image);
    return [pushed, sent.length];
  };
  const note = (...digests: readonly string[]) => ({ annotations: { 'rollout.layers': digests.join(' ') } });
  const layers = [{}, note(`sha256:${'1'.repeat(64)}`, digestOf(base))];
  const again = { sentBytes: 300 + 4300, totalBytes: 4300 };
  const unpacking = 'Error unpacking image shop/app:1: failed to extract layer: content digest: not found';
  expect(await push({})).toEqual([{ sentBytes: 4300, totalBytes: 4300 }, 1]);
  expect(await push({ layers })).toEqual([{ sentBytes: 300, totalBytes: 4300 }, 1]);
  expect(await push({ layers: [note(...whole)] })).toEqual([{ sentBytes: 0, totalBytes: 4300 }, 1]);
  // What a host says is no more than that.
  expect(await push({ layers: [note(...whole)], rootFs: [[]] })).toEqual([{ sentBytes: 4300, totalBytes: 4300 }, 2]);
  expect(await push({ layers: [null, 7, { annotations: 'all' }, { annotations: { 'rollout.layers': 7 } }] })).toEqual([
    { sentBytes: 4300, totalBytes: 4300 },
    1,
  ]);
  expect(await push({ layers, prints: [`Loaded image: shop/app:1\n${unpacking}\n`] })).toEqual([again, 2]);
  expect(await push({ layers, rootFs: [undefined] })).toEqual([again, 2]);
  await expect(push({ prints: [unpacking] })).rejects.toThrow(`is not there as ${id}: ${unpacking}`);
});

test('while a host takes an image it is told how much it has taken, of what is sent to it', async () => {
  const image = await sendable();
  const { id } = image.image;
  for (const [layers, totalBytes] of [
    [[], 4300],
    [[[digestOf(base)]], 300],
  ] as const) {
    const told: PushedBytes[] = [];
    const { docker } = host({ id, layers });
    await pushImage(docker, 'h1', { ...ref, imageId: id }, image, { onSent: (sent) => told.push(sent) });
    const bytes = told.map(({ sentBytes }) => sentBytes);
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
    expect(bytes.length).toBeGreaterThan(1);
    expect(told.at(-1)).toEqual({ sentBytes: totalBytes, totalBytes });
  }
});

test.each<[string, Host, string, number]>([
  ['a full disk', { loads: ['no space left on device'] }, 'no space left on device', 1],
  [
    'one that loads something else',
    { id: 'sha256:other' },
    'docker load ended without an error, and shop/app:1 is not there as sha256:',
    1,
  ],
])('%s is an error of that host', async (_, parts, words, loads) => {
  const { docker, sent } = host(parts);
  const image = await sendable();
  const push = pushImage(docker, 'h1', { ...ref, imageId: image.image.id }, image);
  await expect(push).rejects.toThrow(words);
  expect(sent.length).toBe(loads);
});
