import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PushSource } from '../../../src/docker/push-source.ts';
import { RegistryError } from '../../../src/docker/registry-error.ts';
import { parseImageRef, type ImageRef } from '../../../src/model/image.ts';
import { dockerArchive } from '../../support/image-archives.ts';

let dir: string;
let source: PushSource | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rollout-source-'));
  await mkdir(join(dir, 'tmp'));
});
afterEach(async () => {
  await source?.close();
  await rm(dir, { recursive: true, force: true });
});

const app = parseImageRef('shop/app:1') as ImageRef;
const id = `sha256:${'5'.repeat(64)}`;

/** A `docker` for the controller that does as the script says. */
async function controller(
  script: string,
  listed: ConstructorParameters<typeof PushSource>[0]['listed'] = [],
): Promise<PushSource> {
  const bin = join(dir, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'docker'), `#!/bin/sh\necho "$*" >>${dir}/asked\n${script}\n`);
  await chmod(join(bin, 'docker'), 0o755);
  const env = { PATH: `${bin}:/usr/bin:/bin`, TMPDIR: join(dir, 'tmp') };
  return (source = new PushSource({ all: listed.length === 0, listed, env }));
}

const inspected = (more: object = {}): string =>
  `echo '${JSON.stringify({ Id: id, Os: 'linux', Architecture: 'amd64', ...more })}'`;

const troubleOf = async (attempt: Promise<unknown>): Promise<string> => {
  const error: unknown = await attempt.catch((reason: unknown) => reason);
  return error instanceof RegistryError ? `${error.kind}: ${error.message}` : String(error);
};

test('an image is looked up once, and saved once, when it is to be sent; nothing of it stays', async () => {
  const tar = dockerArchive({
    layers: [Buffer.from('layer')],
    config: (diffIds) => ({ os: 'linux', architecture: 'amd64', rootfs: { diff_ids: diffIds } }),
    tag: 'shop/app:1',
  });
  await writeFile(join(dir, 'saved'), tar.tar);
  const images = await controller(`[ "$1" = save ] && exec cat ${dir}/saved\n${inspected({ Id: tar.id })}`);
  expect(images.has(app)).toBe(true);
  const found = await Promise.all(['linux/amd64', undefined].map((platform) => images.resolve(app, platform)));
  expect(found).toEqual([1, 2].map(() => ({ ...app, imageId: tar.id })));
  const [one, two] = await Promise.all([images.sendable(app), images.sendable(app)]);
  expect(one).toBe(two);
  expect(one.image.id).toBe(tar.id);
  expect(await readdir(join(dir, 'tmp'))).toHaveLength(1);
  await images.close();
  expect(await readdir(join(dir, 'tmp'))).toEqual([]);
});

test.each<[string, string, string | undefined, string]>([
  [
    'none of that name',
    'echo "Error: No such image: shop/app:1" >&2; exit 1',
    undefined,
    'not_found: docker here has no image shop/app:1: Error: No such image: shop/app:1',
  ],
  ['no answer', 'echo nothing', undefined, 'failed: what docker here says of shop/app:1 is no image'],
  [
    'another processor',
    inspected(),
    'linux/arm64',
    'platform_missing: shop/app:1 is made for linux/amd64, and not for linux/arm64',
  ],
  ['an older processor of the same kind', inspected({ Architecture: '386' }), 'linux/amd64', 'resolved'],
  ['a variant', inspected({ Architecture: 'arm' }), 'linux/arm/v7', 'resolved'],
])('%s', async (_, script, platform, expected) => {
  const images = await controller(script);
  expect(await troubleOf(images.resolve(app, platform).then(() => Promise.reject(new Error('resolved'))))).toContain(
    expected,
  );
});

test('of a list only those are sent that are named, with their tags, and what nobody uses is told', async () => {
  const other = parseImageRef('docker.io/library/other') as ImageRef;
  const images = await controller('exit 1', [{ image: other, file: join(dir, 'no-such.tar') }, { image: app }]);
  expect(
    [app, other, parseImageRef('other:latest'), parseImageRef('shop/app:2')].map((each) => each && images.has(each)),
  ).toEqual([true, true, true, false]);
  expect(images.unused()).toEqual(['other:latest', 'shop/app:1']);
  expect(await troubleOf(images.resolve(other, undefined))).toBe(
    `failed: ${dir}/no-such.tar cannot be sent: ENOENT: no such file or directory, open '${dir}/no-such.tar'`,
  );
  expect(images.unused()).toEqual(['shop/app:1']);
});
