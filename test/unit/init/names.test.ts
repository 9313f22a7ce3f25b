import { expect, test } from 'vitest';
import { parseHostArgument } from '../../../src/init/address.ts';
import { identifier, SecretNames } from '../../../src/init/secret-names.ts';
import { escaped } from '../../../src/init/template.ts';

test('a host is written as for ssh', () => {
  expect(
    [
      'h1',
      'deploy@10.0.0.11',
      'web-1.example.com:2222',
      'root@[fe80::1]:22',
      '::1',
      'a b',
      'h1:0',
      '@h1',
      '-oX',
      'h1:x',
    ].map(parseHostArgument),
  ).toEqual([
    { name: 'h1' },
    { name: '10.0.0.11', user: 'deploy' },
    { name: 'web-1.example.com', port: 2222 },
    { name: 'fe80::1', user: 'root', port: 22 },
    { name: '::1' },
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('one value has one name, and two values of one variable have two', () => {
  const names = new SecretNames();
  expect([
    names.name('DB_PASSWORD', 'a', 'h1', 'app'),
    names.name('DB_PASSWORD', 'a', 'h2', 'app'),
    names.name('DB_PASSWORD', 'b', 'h1', 'worker'),
    names.name('DB_PASSWORD', 'c', 'h2', 'worker'),
  ]).toEqual(['db_password', 'db_password', 'worker_db_password', 'worker_db_password_2']);
  expect(names.all.map(({ name, variable, host, container, of }) => [name, variable, host, container, of])).toEqual([
    ['db_password', 'DB_PASSWORD', 'h1', 'app', 'DB_PASSWORD'],
    ['worker_db_password', 'WORKER_DB_PASSWORD', 'h1', 'worker', 'DB_PASSWORD'],
    ['worker_db_password_2', 'WORKER_DB_PASSWORD_2', 'h2', 'worker', 'DB_PASSWORD'],
  ]);
  expect(['DB-Password', '2FA_KEY', 'a.b'].map(identifier)).toEqual(['db_password', 'x_2fa_key', 'a_b']);
});

test('nothing that a container has is a template', () => {
  expect(escaped({ tag: '{{.Name}}/{% x %}', list: ['{# no #}', '{ok}'] })).toEqual({
    tag: "{{ '{{' }}.Name}}/{{ '{%' }} x %}",
    list: ["{{ '{#' }} no #}", '{ok}'],
  });
});
