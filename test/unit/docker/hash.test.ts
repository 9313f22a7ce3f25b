import { expect, test } from 'vitest';
import { compareSpecHash, specHash } from '../../../src/docker/hash.ts';
import { Secret } from '../../../src/model/secret.ts';
import { service, serviceContext } from '../../support/services.ts';

test('the hash of version 1 never changes, and hosts that carry it are not replaced by a new rollout', () => {
  const app = service({ ports: ['80:80'], environment: { A: 1, P: { secret: 'db_password' } }, mem_limit: '1g' });
  expect(specHash(app)).toMatchInlineSnapshot(`"v1:914b57d01386631e6f5dcde0.f252b24c"`);
  expect(compareSpecHash(app, specHash(app, 'v1'))).toEqual({ sameFixed: true, sameMutable: true });
  expect(compareSpecHash(app, 'v0:1234')).toBeUndefined();
  expect(compareSpecHash(app, undefined)).toBeUndefined();
  expect(specHash(app, 'v0')).toBeUndefined();
});

test('what docker changes in a living container has its own part of the hash', () => {
  const label = specHash(service({ restart: 'always', labels: ['a=1'] }));
  expect(compareSpecHash(service({ restart: 'no', labels: ['a=1'] }), label)).toEqual({
    sameFixed: true,
    sameMutable: false,
  });
  expect(compareSpecHash(service({ restart: 'always', labels: ['a=2'] }), label)).toEqual({
    sameFixed: false,
    sameMutable: true,
  });
});

test('short and long forms, and any order of keys, have one hash; another secret has another', () => {
  const short = service({ ports: ['80:80', '443:443'], environment: ['B=2', 'A=1'], mem_limit: '1024m' });
  const long = service({
    mem_limit: 1024 ** 3,
    environment: { A: 1, B: '2' },
    ports: [
      { target: 443, published: 443 },
      { target: 80, published: '80' },
    ],
  });
  expect(specHash(long)).toBe(specHash(short));
  const context = serviceContext();
  const other = { ...context, secrets: new Map([['db_password', new Secret('db_password', 'other')]]) };
  const written = { environment: { P: { secret: 'db_password' } } };
  expect(specHash(service(written, 'app', other))).not.toBe(specHash(service(written, 'app', context)));
});

test('the image, and keys that shape only the update, are not in the hash', () => {
  const plain = service({ image: 'shop/app:1' });
  const shaped = service({
    image: 'shop/app:2',
    pull_policy: 'always',
    depends_on: ['db'],
    probe: { tcp: { port: 80 } },
  });
  expect(specHash(shaped)).toBe(specHash(plain));
});
