import { expect, test } from 'vitest';
import { editComposition, writeComposition } from '../../../src/composition/edit.ts';

const digest = `sha256:${'0'.repeat(64)}`;

test('an edit changes the values it is about: comments, order, quotes and blank lines stay', () => {
  const text = [
    '# the release',
    'name: "old" # its name',
    '',
    'components:',
    '  # the shop',
    '  app: shop/app:1 # keep in step with worker',
    '',
    "  'worker': 'shop/worker:1'",
    '  health: shop/health:1',
    '# the end',
    '',
  ].join('\n');
  const edited = editComposition(text, {
    name: 'new',
    from: 'old',
    source: '0123456',
    images: new Map([
      ['app', `shop/app:1@${digest}`],
      ['worker', 'shop/worker:2'],
      ['health', null],
      ['mail', 'shop/mail:1'],
    ]),
  });
  expect(edited).toBe(
    [
      '# the release',
      'name: "new" # its name',
      'from: old',
      'source: "0123456"',
      '',
      'components:',
      '  # the shop',
      `  app: shop/app:1@${digest} # keep in step with worker`,
      '',
      "  'worker': 'shop/worker:2'",
      '  mail: shop/mail:1',
      '',
      '# the end',
      '',
    ].join('\n'),
  );
});

test('an image that another one is an alias of changes alone', () => {
  const text = 'name: x\ncomponents:\n  app: &one shop/app:1\n  canary: *one\n';
  expect(editComposition(text, { images: new Map([['app', 'shop/app:2']]) })).toBe(
    'name: x\ncomponents:\n  app: &one shop/app:2\n  canary: shop/app:1\n',
  );
});

test('JSON stays JSON, and line ends stay what they are', () => {
  const images = new Map([['app', 'shop/app:2']]);
  expect(JSON.parse(editComposition('{"name": "x", "components": {"app": "shop/app:1"}}', { images }))).toEqual({
    name: 'x',
    components: { app: 'shop/app:2' },
  });
  expect(editComposition('name: x\r\ncomponents:\r\n  app: shop/app:1\r\n', { images })).toBe(
    'name: x\r\ncomponents:\r\n  app: shop/app:2\r\n',
  );
});

test('a key that is taken away is gone, and no other', () => {
  expect(editComposition('name: x\nsource: abc\ncomponents:\n  app: shop/app:1\n', { source: null })).toBe(
    'name: x\ncomponents:\n  app: shop/app:1\n',
  );
});

test('a new composition has its head first; text that looks like a number is text', () => {
  const images = new Map([['app', 'shop/app:1']]);
  expect(writeComposition({ source: '1234567', name: 'c_1', created: '2026-11-20T15:04:00Z', images })).toBe(
    'name: c_1\ncreated: 2026-11-20T15:04:00Z\nsource: "1234567"\ncomponents:\n  app: shop/app:1\n',
  );
});
