import { expect, test } from 'vitest';
import { outdated, parseImages } from '../../../../src/task/modules/docker-prune.ts';

const id = (letter: string): string => `sha256:${letter.repeat(64)}`;

/** As the script prints them: every image an hour older than the one before it. */
function host(images: readonly (readonly [string, readonly string[] | null])[], used: readonly string[] = []): string {
  const lines = images.map(
    ([letter, tags], index) =>
      `image ${id(letter)} 2026-01-01T${String(23 - index).padStart(2, '0')}:00:00Z 100 ${JSON.stringify(tags)} ${JSON.stringify(tags?.map((tag) => `${tag.replace(/:\w+$/, '')}@${id(letter)}`) ?? null)}`,
  );
  return [...used.map((letter) => `used ${id(letter)}`), ...lines, ''].join('\n');
}

function gone(text: string, params: Partial<Parameters<typeof outdated>[1]> = {}): readonly string[] {
  const images = parseImages(text) ?? [];
  const all = { keep: 2, dangling: true, ...params } as Parameters<typeof outdated>[1];
  return outdated(images, all).map((image) => image.id.slice(7, 8));
}

const shop = [
  ['a', ['r:5000/shop/app:5']],
  ['b', ['r:5000/shop/app:4']],
  ['c', ['r:5000/shop/app:3']],
  ['d', ['r:5000/shop/app:2']],
  ['e', ['r:5000/shop/health:1']],
] as const;

test('the last builds of every repository stay, whoever runs them, and what is older goes', () => {
  expect(gone(host(shop))).toEqual(['c', 'd']);
  expect(gone(host(shop), { keep: 3 })).toEqual(['d']);
  expect(gone(host(shop), { keep: 0 })).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('what a container uses never goes, however old and however few are kept', () => {
  expect(gone(host(shop, ['d']))).toEqual(['c']);
  expect(gone(host(shop, ['a', 'c', 'd', 'e']), { keep: 0 })).toEqual(['b']);
});

test('an image stays where one of its repositories keeps it, or is not among those that are meant', () => {
  expect(gone(host([...shop, ['f', ['r:5000/shop/app:1', 'r:5000/base:1']]]))).toEqual(['c', 'd']);
  expect(gone(host(shop), { keep: 0, repositories: ['r:5000/shop/health'] })).toEqual(['e']);
});

test('images without a name go unless they are used or it is forbidden', () => {
  const images = host([...shop, ['f', null], ['0', []]], ['0']);
  expect(gone(images)).toEqual(['c', 'd', 'f']);
  expect(gone(images, { dangling: false })).toEqual(['c', 'd']);
});

test('an answer that is not understood is no answer', () => {
  expect(parseImages(`${host(shop)}image half`)).toBeUndefined();
  expect(parseImages('Cannot connect to the Docker daemon\n')).toBeUndefined();
  expect(parseImages('')).toEqual([]);
});
