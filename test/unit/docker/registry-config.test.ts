import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRegistry } from '../../../src/docker/registry.ts';
import { configDigestOf, isFor, manifestOfPlatform, parseImageConfig } from '../../../src/docker/registry-config.ts';
import { platformOfHost } from '../../../src/docker/platform.ts';
import { parseImageRef } from '../../../src/model/image.ts';
import { Registry } from '../../../src/sandbox/registry/registry.ts';

let registry: Registry;
beforeEach(async () => {
  registry = new Registry({ kind: 'bearer', login: { username: 'deploy', password: 'pw-of-deploy' } });
  await registry.listen();
});
afterEach(() => registry.stop());

test('what an image is made for is read with the token of the pull, over one login', async () => {
  const written = registry.publish('shop/app', '1', { APP_VERSION: '1' });
  const image = parseImageRef(written);
  if (image === undefined) throw new Error(written);
  const { Secret } = await import('../../../src/model/secret.ts');
  const client = createRegistry({
    env: {},
    registries: [{ registry: registry.address, username: 'deploy', password: new Secret('pw', 'pw-of-deploy') }],
  });
  expect(await client.config(image)).toEqual({
    platform: 'linux/amd64',
    labels: {},
    createdMs: Date.UTC(2024, 0, 1),
  });
});

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const manifest = (body: unknown) => ({ mediaType: '', digest: '', body: JSON.stringify(body) });

test('of a multi-platform image the part for a platform is read, never an attestation', () => {
  const list = manifest({
    manifests: [
      { digest: digest('0'), platform: { os: 'unknown', architecture: 'unknown' } },
      { digest: digest('1'), platform: { os: 'linux', architecture: 'amd64' } },
      { digest: digest('2'), platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
      { digest: 'sha256:../../x', platform: { os: 'linux', architecture: 's390x' } },
    ],
  });
  expect(manifestOfPlatform(list, undefined)).toBe(digest('1'));
  expect(manifestOfPlatform(list, 'linux/arm64')).toBe(digest('2'));
  expect(manifestOfPlatform(list, 'linux/s390x')).toBeUndefined();
  expect(manifestOfPlatform(manifest({ config: { digest: digest('3') } }), undefined)).toBeUndefined();
});

test('what is no document of an image is none, whatever a registry gives', () => {
  expect(configDigestOf(manifest({ config: { digest: digest('3') } }))).toBe(digest('3'));
  expect(
    [{}, { config: 7 }, { config: { digest: '/etc' } }, null].map((body) => configDigestOf(manifest(body))),
  ).toEqual(Array.from({ length: 4 }, () => undefined));
  expect(['', '[]', '{"os":"linux"}', 'null'].map(parseImageConfig)).toEqual(
    Array.from({ length: 4 }, () => undefined),
  );
  expect(
    parseImageConfig('{"os":"linux","architecture":"arm","variant":"v7","config":{"Labels":{"a":"b","c":1}}}'),
  ).toEqual({ platform: 'linux/arm/v7', labels: { a: 'b' } });
});

test.each([
  ['x86_64', 'linux/amd64'],
  ['aarch64', 'linux/arm64'],
  ['armv7l', 'linux/arm/v7'],
  ['s390x', 'linux/s390x'],
])('a host of %s needs images for %s', (arch, platform) => {
  expect(platformOfHost({ os: 'linux', arch })).toBe(platform);
});

test('a variant is good for its architecture, and not the other way round', () => {
  expect(isFor('linux/arm64/v8', 'linux/arm64')).toBe(true);
  expect(isFor('linux/arm/v7', 'linux/arm/v6')).toBe(false);
  expect(isFor('linux/arm64', 'linux/arm')).toBe(false);
});
