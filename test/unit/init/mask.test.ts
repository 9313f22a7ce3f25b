import { expect, test } from 'vitest';
import { isSecretVariable, placeholder, withoutSecrets } from '../../../src/init/mask.ts';

const secrets = [
  ['DB_PASSWORD', 'x'],
  ['POSTGRES_PASSWORD', 'x'],
  ['REDIS_PASS', 'x'],
  ['API_TOKEN', 'x'],
  ['SECRET_KEY_BASE', 'x'],
  ['JWT_KEY', 'x'],
  ['aws_access_key_id', 'x'],
  ['SENTRY_DSN', 'x'],
  ['MYSQL_ROOT_PWD', 'x'],
  ['ConnectionStrings__Main', 'Server=db;User=sa;Password=x1'],
  ['DATABASE_URL', 'postgres://shop:x1@db/shop'],
  ['CERT', '-----BEGIN RSA PRIVATE KEY-----\nabc'],
  ['DEPLOY', 'ghp_0123456789abcdef'],
] as const;

const others = [
  ['LOG', 'debug'],
  ['PASSWORD', ''],
  ['AUTH_ENABLED', 'true'],
  ['DB_PASSWORD_FILE', '/run/secrets/db'],
  ['MONKEY', 'see'],
  ['KEYBOARD', 'us'],
  ['DATABASE_URL', 'postgres://db/shop'],
  ['PATH', '/usr/bin:/bin'],
  ['PWD', '/srv'],
] as const;

test.each(secrets)('%s=%s is a secret', (name, value) => expect(isSecretVariable(name, value)).toBe(true));
test.each(others)('%s=%s is none', (name, value) => expect(isSecretVariable(name, value)).toBe(false));

test('what looks like a secret in other keys is replaced, and nothing beside it', () => {
  expect(
    withoutSecrets([
      'redis-server',
      '--requirepass',
      'hunter2',
      '--port',
      '6379',
      '--api-token=hunter2',
      'postgres://shop:hunter2@db/shop',
    ]),
  ).toEqual([
    'redis-server',
    '--requirepass',
    placeholder,
    '--port',
    '6379',
    `--api-token=${placeholder}`,
    `postgres://shop:${placeholder}@db/shop`,
  ]);
  expect(withoutSecrets({ test: 'mysqladmin ping --password=hunter2 -h db', interval: '5s' })).toEqual({
    test: `mysqladmin ping --password=${placeholder} -h db`,
    interval: '5s',
  });
  expect(withoutSecrets({ driver: 'splunk', options: { 'splunk-token': 'hunter2', tag: 'app' } })).toEqual({
    driver: 'splunk',
    options: { 'splunk-token': placeholder, tag: 'app' },
  });
});

test('a value without any is the very same', () => {
  const words = ['/app', '--tokenize', '--port', '80'];
  expect(withoutSecrets(words)).toBe(words);
  const labels = { 'traefik.http.routers.app.rule': 'Host(`shop.example.com`)' };
  expect(withoutSecrets(labels)).toBe(labels);
});
