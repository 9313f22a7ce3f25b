import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';

const compose = inject('composeV2');

test.skipIf(compose === '')('the docker-compose that files are compared with is 2.26 or newer', async () => {
  const { stdout } = await promisify(execFile)(compose, ['version', '--short']);
  const [major = 0, minor = 0] = stdout.split('.').map(Number);
  expect(major).toBe(2);
  expect(minor).toBeGreaterThanOrEqual(26);
});
