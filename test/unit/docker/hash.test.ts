import { expect, test } from 'vitest';
import { hasSpecHash, specHash } from '../../../src/docker/hash.ts';
import { Secret } from '../../../src/model/secret.ts';
import { service, serviceContext } from '../../support/services.ts';

test('the hash of version 1 never changes, and hosts that carry it are not replaced by a new rollout', () => {
  const app = service({ ports: ['80:80'], environment: { A: 1, P: { secret: 'db_password' } }, mem_limit: '1g' });
  expect(specHash(app)).toMatchInlineSnapshot(`"v1:e2c598f2046d963936317281af57b9c4"`);
  expect(hasSpecHash(app, specHash(app, 'v1'))).toBe(true);
  expect(hasSpecHash(app, 'v0:1234')).toBe(false);
  expect(hasSpecHash(app, undefined)).toBe(false);
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
