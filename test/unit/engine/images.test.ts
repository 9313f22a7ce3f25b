import { expect, test } from 'vitest';
import type { Registry } from '../../../src/docker/registry.ts';
import { ImageResolver, ownImages } from '../../../src/engine/images.ts';
import { formatImageRef, parseImageRef, type ImageRef } from '../../../src/model/image.ts';
import type { HostDesired, Service } from '../../../src/model/service.ts';
import { service } from '../../support/services.ts';

const digest = `sha256:${'1'.repeat(64)}`;

const desired = (...services: readonly Service[]): HostDesired => ({
  services,
  networks: [],
  volumes: [],
  server: 'h1',
  preTasks: [],
  tasks: [],
  postTasks: [],
});

test('the registry is asked ahead for tags that it decides on, and for no others', () => {
  const asked: string[] = [];
  const registry: Pick<Registry, 'resolve'> = {
    resolve: (image: ImageRef) => {
      asked.push(formatImageRef(image));
      return Promise.reject(new Error('down'));
    },
  };
  const pinned = new Map([['shop/resumed:1', parsed(`shop/resumed:1@${digest}`)]]);
  const images = new ImageResolver(registry as Registry, () => undefined, { ...ownImages, pinned });
  images.ahead(
    desired(
      service({ image: 'shop/app:1' }, 'app'),
      service({ image: `shop/known:1@${digest}` }, 'known'),
      service({ image: 'shop/missing:1', pull_policy: 'missing' }, 'missing'),
      service({ image: 'shop/never:1', pull_policy: 'never' }, 'never'),
      service({ image: 'shop/resumed:1' }, 'resumed'),
    ),
  );
  expect(asked).toEqual([formatImageRef(parsed('shop/app:1'))]);
});

function parsed(written: string): ImageRef {
  const image = parseImageRef(written);
  if (image === undefined) throw new Error(`no image: ${written}`);
  return image;
}
