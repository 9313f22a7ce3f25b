import { describe, expect, test } from 'vitest';
import type { Image } from '../../../src/docker/observed.ts';
import { parseImageRef } from '../../../src/model/image.ts';
import type { Service } from '../../../src/model/service.ts';
import { asksHostFirst, differingImages, localImage, presumedImage } from '../../../src/plan/local-image.ts';
import { container, digestOf, observed, service } from '../../support/simulated-host.ts';

const name = 'registry.example.com/shop/app';
const nowMs = Date.parse('2026-11-21T15:00:00Z');

function wanted(pullPolicy: Service['pullPolicy'], written = `${name}:v1`): Service {
  const image = parseImageRef(written);
  if (image === undefined) throw new Error(written);
  return service('app', 'v1', { pullPolicy, image });
}

/** A container that was created from the tag when it meant `version`. */
function made(version: string, created = '2026-11-21T14:00:00Z') {
  const from = container(service('app', version));
  const labels = { ...from.labels, 'rollout.image': `${name}:v1@${digestOf(version)}` };
  return { ...from, labels, inspect: { ...from.inspect, Created: created } };
}

const image = (keys: Partial<Image> & { id: string }): Image => ({
  repoDigests: [],
  repoTags: [],
  inspect: {},
  ...keys,
});
const imageOf = (version: string): readonly [string, Image] => [
  `image-${digestOf(version)}`,
  image({ id: `image-${digestOf(version)}` }),
];

function found(policy: Service['pullPolicy'], have: Parameters<typeof localImage>[1], at = nowMs): string | undefined {
  const local = localImage(wanted(policy), have, at);
  return local && (local.digest ?? 'no digest');
}

describe('what a tag means by pull_policy', () => {
  const made2 = observed([made('v2')], { images: new Map([imageOf('v2')]) });
  const tagged = image({
    id: 'x',
    repoTags: [`${name}:v1`],
    repoDigests: [`other/name@${digestOf('v9')}`, `${name}@${digestOf('v3')}`],
  });
  const both = observed([made('v2')], { images: new Map([imageOf('v2'), [`${name}:v1`, tagged]]) });
  const loaded = observed([], { images: new Map([[`${name}:v1`, image({ id: 'x', repoTags: [`${name}:v1`] })]]) });

  test.each([
    ['always', undefined, undefined, undefined],
    ['missing', digestOf('v2'), digestOf('v3'), 'no digest'],
    ['never', digestOf('v2'), digestOf('v3'), 'no digest'],
    ['daily', digestOf('v2'), digestOf('v2'), undefined],
  ] as const)('%s', (policy, ofContainer, ofTagFirst, ofLoaded) => {
    expect([found(policy, made2), found(policy, both), found(policy, loaded)]).toEqual([
      ofContainer,
      ofTagFirst,
      ofLoaded,
    ]);
    expect(found(policy, observed([]))).toBeUndefined();
  });

  test('daily: the registry is asked again a day after the container was created', () => {
    const at = (created: string) =>
      found('daily', observed([made('v2', created)], { images: new Map([imageOf('v2')]) }));
    expect(at('2026-11-20T15:00:00.001Z')).toBe(digestOf('v2'));
    expect(at('2026-11-20T15:00:00Z')).toBeUndefined();
  });

  test('a container of another tag, or whose image is gone, says nothing', () => {
    expect(localImage(wanted('missing', `${name}:v2`), made2, nowMs)).toBeUndefined();
    expect(found('missing', observed([made('v2')]))).toBeUndefined();
  });

  test('a plan that no registry answers takes what runs under the tag, then what the host has, then nothing for granted', () => {
    const presumed = (tag: string, have: Parameters<typeof presumedImage>[1]) =>
      presumedImage(wanted('always', `${name}:${tag}`), have).digest;
    expect(presumed('v1', made2)).toBe(digestOf('v2'));
    expect(presumed('v1', both)).toBe(digestOf('v2'));
    expect(presumed('v1', observed([], { images: new Map([[`${name}:v1`, tagged]]) }))).toBe(digestOf('v3'));
    expect(presumed('v2', made2)).toBeUndefined();
    expect(presumed('v1', observed([]))).toBeUndefined();
  });

  test('a digest that is written needs nobody', () => {
    expect(asksHostFirst(service('app', 'v1', { pullPolicy: 'missing' }))).toBe(false);
  });
});

test('hosts with different images of one tag are told of', () => {
  const on = (host: string, version: string, pullPolicy: Service['pullPolicy'] = 'missing') => ({
    name: host,
    services: [{ ...wanted(pullPolicy), image: { ...wanted(pullPolicy).image, digest: digestOf(version) } }],
  });
  expect(differingImages([on('h1', 'v1'), on('h2', 'v1')])).toEqual([]);
  expect(differingImages([on('h1', 'v1', 'always'), on('h2', 'v2', 'always')])).toEqual([]);
  expect(differingImages([on('h1', 'v1'), on('h2', 'v2'), on('h3', 'v2'), on('h4', 'v2'), on('h5', 'v2')])).toEqual([
    `${name}:v1 is not the same image on all hosts: sha256:000000000000 on h1; sha256:000000000000 on h2, h3, h4 and 1 more. With pull_policy: always it is`,
  ]);
});
