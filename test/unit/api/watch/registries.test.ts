import { expect, test } from 'vitest';
import { WatchedRegistries } from '../../../../src/api/watch/registries.ts';
import type { UsedTag } from '../../../../src/api/watch/tags.ts';
import type { Registry } from '../../../../src/docker/registry.ts';
import { RegistryError, type RegistryErrorKind } from '../../../../src/docker/registry-error.ts';
import { parseImageRef } from '../../../../src/model/image.ts';

const everyMs = 60_000;

function used(tag: string): UsedTag {
  const image = parseImageRef(tag);
  if (image === undefined) throw new Error(`${tag} is no image`);
  return { tag, image, uses: [] };
}

/** What each tag answers: a digest, or the kind of its trouble. */
type Answers = Record<string, string | readonly [RegistryErrorKind, number?]>;

function watched(answers: Answers): { look: (nowMs: number) => Promise<string> } {
  const asked: string[] = [];
  const registry: Pick<Registry, 'resolve' | 'forget'> = {
    forget: () => undefined,
    resolve: (image) => {
      asked.push(image.written);
      const answer = answers[image.written] ?? 'd';
      if (typeof answer === 'string') return Promise.resolve({ ...image, digest: answer });
      const [kind, retryAfterMs] = answer;
      return Promise.reject(new RegistryError(image.registry, kind, 'no', { retryAfterMs }));
    },
  };
  const registries = new WatchedRegistries(() => 1);
  return {
    look: async (nowMs) => {
      asked.length = 0;
      const tags = Object.keys(answers).map(used);
      await registries.look(tags, registry as Registry, { nowMs: nowMs * everyMs, everyMs });
      return asked.join(' ');
    },
  };
}

test('each tag is asked once a look; a registry that fails is left alone for longer each time, the others are not', async () => {
  const answers: Answers = { 'one.example/a:1': 'd', 'one.example/b:1': 'd', 'two.example/c:1': ['unreachable'] };
  const { look } = watched(answers);
  const all = 'one.example/a:1 one.example/b:1 two.example/c:1';
  const one = 'one.example/a:1 one.example/b:1';
  expect(await look(0)).toBe(all);
  expect(await look(1)).toBe(one);
  expect(await look(2)).toBe(all);
  for (const at of [3, 4, 5]) expect(await look(at)).toBe(one);
  answers['two.example/c:1'] = 'd';
  expect(await look(6)).toBe(all);
  expect(await look(7)).toBe(all);
});

test('a registry that has been asked too often is left alone for as long as it wants', async () => {
  const { look } = watched({ 'one.example/a:1': ['rate_limited', 10 * everyMs], 'one.example/b:1': 'd' });
  expect(await look(0)).toBe('one.example/a:1 one.example/b:1');
  expect(await look(9)).toBe('');
  expect(await look(10)).toBe('one.example/a:1 one.example/b:1');
});

test.each<[string, Answers]>([
  ['a tag that is not there', { 'one.example/a:1': ['not_found'], 'one.example/b:1': ['not_found'] }],
  ['an image that may not be read', { 'one.example/a:1': ['unauthorized'], 'one.example/b:1': 'd' }],
  ['an answer that is none', { 'one.example/a:1': ['failed'], 'one.example/b:1': 'd' }],
])("%s is that image's own trouble", async (_, answers) => {
  const { look } = watched(answers);
  await look(0);
  expect(await look(1)).toBe('one.example/a:1 one.example/b:1');
});
