import { expect, test } from 'vitest';
import type { Registry } from '../../../src/docker/registry.ts';
import type { PushSource } from '../../../src/docker/push-source.ts';
import type { ImageHost } from '../../../src/engine/digest-by-pull.ts';
import { ImageResolver, ownImages } from '../../../src/engine/images.ts';
import { formatImageRef, parseImageRef, pinnedImage, type ImageRef } from '../../../src/model/image.ts';
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

test('what the controller sends goes by its id: no registry is asked, and a run that goes on sends the same', async () => {
  const id = `sha256:${'2'.repeat(64)}`;
  const registry: Pick<Registry, 'resolve'> = { resolve: () => Promise.reject(new Error('asked')) };
  const manifestId = `sha256:${'3'.repeat(64)}`;
  const pushes: Pick<PushSource, 'has' | 'resolve' | 'named'> = {
    has: ({ repository }) => repository.startsWith('shop/sent'),
    resolve: (image) => Promise.resolve({ ...image, imageId: id }),
    named: (image, store) => Promise.resolve(store === 'docker' ? image : { ...image, imageId: manifestId }),
  };
  const resolved = async (
    written: string,
    pinned = new Map<string, ImageRef>(),
    { imageStore, ...keys }: { readonly imageStore?: 'docker' | 'containerd'; readonly pull_policy?: string } = {},
  ): Promise<unknown> => {
    const images = new ImageResolver(
      registry as Registry,
      () => undefined,
      { ...ownImages, pinned },
      { pushes: pushes as PushSource },
    );
    const wanted = desired(service({ image: written, ...keys }, 'app'));
    images.ahead(wanted);
    const store = imageStore === undefined ? {} : { imageStore };
    const { services } = await images.resolve(wanted, nobody, { nowMs: 0, mayPull: false, ...store });
    return [services.map(({ image }) => pinnedImage(image)), await images.record()];
  };
  const of = (tag: string): unknown => [[id], { [tag]: id }];
  expect(await resolved('shop/sent:1')).toEqual(of('shop/sent:1'));
  expect(await resolved('shop/sent:1', undefined, { pull_policy: 'never' })).toEqual(of('shop/sent:1'));
  expect(await resolved('shop/sent:1', undefined, { pull_policy: 'missing' })).toEqual(of('shop/sent:1'));
  expect(await resolved(`shop/sent@${digest}`)).toEqual(of(`shop/sent@${digest}`));
  // What a host calls it is that host's: the run knows it by its own id.
  const inContainerd = [[manifestId], { 'shop/sent:1': id }];
  expect(await resolved('shop/sent:1', undefined, { imageStore: 'containerd' })).toEqual(inContainerd);
  const before = (imageId: string) => new Map([['shop/sent:1', { ...parsed('shop/sent:1'), imageId }]]);
  expect(await resolved('shop/sent:1', before(id))).toEqual(of('shop/sent:1'));
  expect(await resolved('shop/sent:1', before(id), { imageStore: 'containerd' })).toEqual(inContainerd);
  await expect(resolved('shop/sent:1', before(digest))).rejects.toThrow(
    `shop/sent:1 is ${id} here, and this run sends ${digest}`,
  );
});

test.each([undefined, 'shop/other'])(
  'a run that goes on where an image that it had sent is not sent again says what to type (sent is %s)',
  async (sent) => {
    const id = `sha256:${'2'.repeat(64)}`;
    const registry: Pick<Registry, 'resolve'> = { resolve: () => Promise.reject(new Error('asked')) };
    const pinned = new Map([['shop/sent:1', { ...parsed('shop/sent:1'), imageId: id }]]);
    const pushes: Pick<PushSource, 'has'> = { has: ({ repository }) => repository === sent };
    const images = new ImageResolver(
      registry as Registry,
      () => undefined,
      { ...ownImages, pinned },
      sent === undefined ? {} : { pushes: pushes as PushSource },
    );
    const wanted = desired(service({ image: 'shop/sent:1' }, 'app'));
    for (const mayPull of [true, false])
      await expect(images.resolve(wanted, nobody, { nowMs: 0, mayPull })).rejects.toMatchObject({
        kind: 'failed',
        message: 'shop/sent:1 came from the controller of this run, by --push',
        hint: 'Send it again: --push shop/sent:1, or --push shop/sent:1=FILE',
      });
  },
);

/** No host is asked. */
const nobody: ImageHost = {
  host: { name: 'h1' },
  observe: () => Promise.reject(new Error('observed')),
  docker: { pull: () => Promise.reject(new Error('pulled')) },
};

function parsed(written: string): ImageRef {
  const image = parseImageRef(written);
  if (image === undefined) throw new Error(`no image: ${written}`);
  return image;
}
