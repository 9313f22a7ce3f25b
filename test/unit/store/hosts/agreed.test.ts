import { describe, expect, test } from 'vitest';
import { agreedRun, newestAgreed, type Remembered } from '../../../../src/store/hosts/agreed.ts';
import { parseBadImages, parseKeptRun, type KeptRun } from '../../../../src/store/hosts/kept-run.ts';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const app = 'r.example.com/shop/app';

function kept(run: string, over: Partial<KeptRun> = {}): KeptRun {
  return {
    v: 1,
    run,
    host: 'h1',
    command: 'run',
    playbook: 'shop.yaml',
    composition: 'rc_1',
    user: 'ann',
    controller: 'ci-7',
    startedAtMs: 1_800_000_000_000,
    images: { [`${app}:1`]: `${app}:1@${digest('a')}` },
    components: { app: [`${app}:1@${digest('a')}`] },
    plays: { web: { result: 'updated', held: ['canary'] } },
    selection: '0123456789abcdef',
    ...over,
  };
}
const one = '20261127-150000-abcd';
const two = '20261127-160000-abcd';
const fleet = (...runs: readonly (readonly KeptRun[])[]): readonly Remembered[] =>
  runs.map((all, index) => ({ host: `h${index + 1}`, runs: all }));
const told = (found: ReturnType<typeof newestAgreed>): unknown =>
  found === undefined || 'message' in found ? found?.message : { run: found.run.run, hosts: found.hosts };

describe('a run that hosts remember', () => {
  test('is found by its id or its beginning, and every host that knows it is told', () => {
    const hosts = fleet([kept(two), kept(one)], [kept(one, { host: 'h2' })], []);
    expect(told(agreedRun(hosts, one))).toEqual({ run: one, hosts: ['h1', 'h2'] });
    expect(told(agreedRun(hosts, '20261127-16'))).toEqual({ run: two, hosts: ['h1'] });
    expect(told(agreedRun(hosts, '20261127'))).toBe("hosts know 2 runs that begin with '20261127'");
    expect(told(agreedRun(hosts, '2025'))).toBe('no host knows a run 2025');
  });

  test.each([
    ['another image', { images: { [`${app}:1`]: `${app}:1@${digest('b')}` } }, 'images'],
    ['an image less', { images: {} }, 'images'],
    ['another composition', { composition: 'rc_0' }, 'composition'],
    ['components of its own', { components: { app: [`${app}:1@${digest('b')}`] } }, 'components'],
  ])('is taken from nobody where one host tells %s', (_, over, key) => {
    const found = agreedRun(fleet([kept(one)], [kept(one, over)]), one);
    expect(found).toMatchObject({
      message: `hosts do not agree on run ${one}; nothing is taken from them`,
      details: [`h1 and h2 differ in its ${key}`, expect.any(String)],
    });
  });

  test.each([
    ['another repository', `${app}:1`, `r.example.com/evil/app:1@${digest('a')}`],
    ['another registry', `${app}:1`, `evil.example.com/shop/app:1@${digest('a')}`],
    ['another tag', `${app}:1`, `${app}:2@${digest('a')}`],
    ['no digest', `${app}:1`, `${app}:1`],
    ['another digest than is written', `${app}@${digest('a')}`, `${app}@${digest('b')}`],
    ['an id in the place of a digest', `${app}@${digest('a')}`, digest('a')],
    ['what is no id', `${app}:1`, 'sha256:abc'],
  ])('has no images of %s, however many hosts say so', (_, written, pinned) => {
    const images = { [written]: pinned };
    expect(told(agreedRun(fleet([kept(one, { images })], [kept(one, { images })]), one))).toMatch(/cannot be; nothing/);
  });

  test('may have sent an image, which goes by its id', () => {
    const images = { [`${app}:1`]: digest('a') };
    const hosts = fleet([kept(one, { images })], [kept(one, { images })]);
    expect(told(agreedRun(hosts, one))).toEqual({ run: one, hosts: ['h1', 'h2'] });
  });

  test('is found by what it deployed only where more than half of the hosts know it', () => {
    const isRc = ({ composition }: KeptRun): boolean => composition === 'rc_1';
    expect(told(newestAgreed(fleet([kept(two), kept(one)], [kept(one)], [kept(one)]), isRc))).toEqual({
      run: one,
      hosts: ['h1', 'h2', 'h3'],
    });
    expect(told(newestAgreed(fleet([kept(two)], []), isRc))).toBe(undefined);
    expect(told(newestAgreed(fleet([kept(two)]), isRc))).toEqual({ run: two, hosts: ['h1'] });
  });
});

describe('what a host says', () => {
  test('is read as it was kept', () => {
    expect(parseKeptRun(JSON.stringify(kept(one)))).toEqual(kept(one));
    const bad = { v: 1, run: one, atMs: 1, images: [`${app}:1@${digest('a')}`] };
    expect(parseBadImages(JSON.stringify(bad))).toEqual(bad);
  });

  test.each([
    ['half a line', '{"v":1,"run":'],
    ['no JSON', 'rm -rf /'],
    ['another version', JSON.stringify({ ...kept(one), v: 2 })],
    ['a run that is a path', JSON.stringify(kept('../../etc'))],
    ['an option for an image', JSON.stringify(kept(one, { images: { a: '--privileged -v /:/x' } }))],
    ['an escape sequence in a name', JSON.stringify(kept(one, { user: 'ann\u001b[2J' }))],
    ['an order mark in a composition', JSON.stringify(kept(one, { composition: 'rc\u202e1' }))],
    ['more images than any run has', JSON.stringify(kept(one, { images: many(300) }))],
    ['a name without end', JSON.stringify(kept(one, { controller: 'x'.repeat(5000) }))],
    ['a time that is none', JSON.stringify(kept(one, { startedAtMs: 1e300 }))],
    ['deep nesting', '['.repeat(100_000)],
  ])('is nothing where it is %s', (_, text) => {
    expect(parseKeptRun(text)).toBe(undefined);
    expect(parseBadImages(text)).toBe(undefined);
  });
});

function many(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`${app}:${n}`, `${app}:${n}@${digest('a')}`]));
}
