import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { imagesQuery, outdated, parseImages } from '../../../../src/task/modules/docker-prune.ts';

const id = (letter: string): string => `sha256:${letter.repeat(64)}`;

/** As the script prints them: every image an hour older than the one before it. */
function host(images: readonly (readonly [string, readonly string[] | null])[], used: readonly string[] = []): string {
  const lines = images.map(
    ([letter, tags], index) =>
      `image ${id(letter)} 2026-01-01T${String(23 - index).padStart(2, '0')}:00:00Z 100 ${JSON.stringify(tags)} ${JSON.stringify(tags?.map((tag) => `${tag.replace(/:\w+$/, '')}@${id(letter)}`) ?? null)}`,
  );
  const leaves = images.map(([letter]) => `leaf ${id(letter)}`);
  return [...used.map((letter) => `used ${id(letter)}`), ...leaves, ...lines, ''].join('\n');
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

test('a step of a build, which has no name and is no leaf, is left to docker', () => {
  const images = host([...shop, ['f', null], ['0', []]]);
  expect(gone(images.replace(`leaf ${id('f')}\n`, ''))).toEqual(['c', 'd', '0']);
});

test('an image that was pulled by digest has no tag, and is one of its repository on every docker', () => {
  const images = host([...shop, ['f', null]]).replace('100 null null', `100 [] ["r:5000/shop/app@${id('f')}"]`);
  // Docker 29 does not list it among the others.
  expect(gone(images.replace(`leaf ${id('f')}\n`, ''))).toEqual(['c', 'd', 'f']);
  expect(gone(images)).toEqual(['c', 'd', 'f']);
});

test('an image whose builder says no time is older than all others', () => {
  const images = host(shop).replace(`${id('a')} 2026-01-01T23:00:00Z`, `${id('a')} `);
  expect(gone(images)).toEqual(['a', 'd']);
});

/** What the host is asked, of a docker that lists these: letters of images with a tag, without one, and of steps of builds. */
function asked(lists: Readonly<Record<'plain' | 'all' | 'dangling', string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'rollout-prune-'));
  try {
    const ids = (letters: string): string => letters.split('').map(id).join(' ');
    const program = `#!/bin/sh
case $* in
  'ps -aq --no-trunc') ;;
  'image ls -q --no-trunc') printf '%s\\n' ${ids(lists.plain)} ;;
  'image ls --all -q --no-trunc') printf '%s\\n' ${ids(lists.all)} ;;
  'image ls --all -q --no-trunc --filter dangling=true') printf '%s\\n' ${ids(lists.dangling)} ;;
  'image inspect --format '*)
    shift 4
    for id; do
      case $id in ${id('a')}) echo "image $id  7 [\\"shop/app:1\\"] []" ;; ${id('b')}) echo "image $id 2026 7 [] [\\"shop/app@${id('b')}\\"]" ;; *) echo "image $id 2026 7 [] []" ;; esac
    done ;;
  *) echo "what is $*?" >&2; exit 1 ;;
esac
`;
    writeFileSync(join(folder, 'docker'), program);
    chmodSync(join(folder, 'docker'), 0o755);
    const [command = '', ...args] = imagesQuery.argv;
    const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
    return execFileSync(command, args, { env, encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// a has a tag, b was pulled by digest, c has no name, and d is a step of a build, which docker 29 does not keep.
test.each([
  ['20.10', { plain: 'abc', all: 'abcd', dangling: 'bc' }],
  ['28, images in containerd', { plain: 'abc', all: 'abc', dangling: 'c' }],
  ['29.0', { plain: 'ab', all: 'abc', dangling: 'c' }],
  ['29.2', { plain: 'a', all: 'abc', dangling: 'bc' }],
  ['29.2, images in containerd', { plain: 'a', all: 'abc', dangling: 'c' }],
])('of docker %s every image is known, whatever its list leaves out, and no step of a build', (_, lists) => {
  expect(parseImages(asked(lists))?.map((image) => image.id.slice(7, 8))).toEqual(['a', 'b', 'c']);
});
