import { expect, test } from 'vitest';
import { redactError } from '../../../src/api/redact-error.ts';
import { RunRefused } from '../../../src/engine/context.ts';
import { ConfigError } from '../../../src/model/problem.ts';
import { createRedactor } from '../../../src/model/redactor.ts';
import { Secret } from '../../../src/model/secret.ts';

const redactor = createRedactor([new Secret('token', 'hunter2-hunter2')]);

test('a refusal keeps its exit code and loses the secrets that hosts put into it', () => {
  const refused = new RunRefused(4, 'images of hunter2-hunter2', ['h1: denied for hunter2-hunter2', 'h2: down']);
  expect(redactError(refused, redactor)).toMatchObject({
    name: 'RunRefused',
    exitCode: 4,
    message: 'images of [secret token]',
    details: ['h1: denied for [secret token]', 'h2: down'],
  });
});

test('problems of the configuration lose secrets in their words and in the line that they show', () => {
  const place = { file: 'a.yaml', line: 3, column: 5, path: 'plays' };
  const error = new ConfigError([{ ...place, message: 'got hunter2-hunter2', excerpt: '  user: hunter2-hunter2' }]);
  expect(redactError(error, redactor)).toEqual(
    new ConfigError([{ ...place, message: 'got [secret token]', excerpt: '  user: [secret token]' }]),
  );
});

test('a bug shows its stack without secrets', () => {
  const error = redactError(new Error('cannot read hunter2-hunter2'), redactor) as Error;
  expect(error.message).toBe('cannot read [secret token]');
  expect(error.stack).toContain('cannot read [secret token]');
  expect(error.stack).not.toContain('hunter2');
});
