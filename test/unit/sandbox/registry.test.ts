import { afterEach, expect, test } from 'vitest';
import { createRegistry } from '../../../src/docker/registry.ts';
import { formatImageRef, parseImageRef, type ImageRef } from '../../../src/model/image.ts';
import { Secret } from '../../../src/model/secret.ts';
import { Registry, type RegistryAuth } from '../../../src/sandbox/registry/registry.ts';

const login = { username: 'deploy', password: 'pw' };
const auths: readonly RegistryAuth[] = [{ kind: 'none' }, { kind: 'basic', login }, { kind: 'bearer', login }];

let registry: Registry | undefined;
afterEach(() => registry?.stop());

async function start(auth: RegistryAuth): Promise<Registry> {
  registry = new Registry(auth);
  await registry.listen();
  return registry;
}

function ref(text: string): ImageRef {
  const parsed = parseImageRef(text);
  if (parsed === undefined) throw new Error(`not an image: ${text}`);
  return parsed;
}

const client = (address: string, password = 'pw') =>
  createRegistry({
    env: { HOME: '/nonexistent' },
    registries: [{ registry: address, username: 'deploy', password: new Secret('registry_password', password) }],
  });

test.each(auths)("rollout's registry client resolves, reads and tags images: auth $kind", async (auth) => {
  const { address, publish } = await start(auth).then((started) => ({
    address: started.address,
    publish: started.publish.bind(started),
  }));
  const image = ref(publish('shop/app', '1', { APP_VERSION: '1' }));
  const pinned = await client(address).resolve(image);
  const manifest = await client(address).manifest(pinned);
  await client(address).tag(pinned, 'stable');
  const stable = await client(address).resolve(ref(`${address}/shop/app:stable`));
  expect(formatImageRef(pinned)).toMatch(/\/shop\/app:1@sha256:[0-9a-f]{64}$/);
  expect(manifest.digest).toBe(pinned.digest);
  expect(stable.digest).toBe(pinned.digest);
});

test('the same variables make the same image, others another', async () => {
  const started = await start({ kind: 'none' });
  const digest = async (reference: string) => (await client(started.address).resolve(ref(reference))).digest;
  const one = await digest(started.publish('shop/app', '1', { APP_VERSION: '1' }));
  const same = await digest(started.publish('shop/app', 'same', { APP_VERSION: '1' }));
  const other = await digest(started.publish('shop/app', '2', { APP_VERSION: '2' }));
  expect([same === one, other === one]).toEqual([true, false]);
});

test("a daemon's pull hears what docker says of a missing image, missing or wrong credentials, a registry that is off", async () => {
  const started = await start({ kind: 'basic', login });
  const { address } = started;
  started.publish('shop/app', '1', {});
  const pull = async (reference: string, given?: typeof login): Promise<string | undefined> => {
    const found = await started.resolve(ref(reference), () => given);
    return 'error' in found ? found.error.replaceAll(address, 'REGISTRY') : undefined;
  };
  const heard = [
    await pull(`${address}/shop/app:1`, login),
    await pull(`${address}/shop/app:2`, login),
    await pull(`${address}/shop/app:1`),
    await pull(`${address}/shop/app:1`, { ...login, password: 'wrong' }),
    await pull('nginx:1', login),
  ];
  await started.stop();
  heard.push(await pull(`${address}/shop/app:1`, login));
  expect(heard).toEqual([
    undefined,
    'manifest for REGISTRY/shop/app:2 not found: manifest unknown: manifest unknown',
    'Get "http://REGISTRY/v2/shop/app/manifests/1": no basic auth credentials',
    'Get "http://REGISTRY/v2/shop/app/manifests/1": unauthorized: authentication required',
    'Get "https://docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host',
    'Get "http://REGISTRY/v2/": dial tcp REGISTRY: connect: connection refused',
  ]);
});
