import { expect, test } from 'vitest';
import { changeComponents, parseArgument } from '../../../src/composition/argument.ts';
import { changeText, diffComponents, rivalsForTag, unlockedOf } from '../../../src/composition/diff.ts';
import { isName, newName, promotedName } from '../../../src/composition/name.ts';
import { componentsOfRunning, hostOfComposition, type Running } from '../../../src/composition/running.ts';
import { builtFrom, commitsLink } from '../../../src/composition/source.ts';
import { formatDiff, formatHosts } from '../../../src/composition/text.ts';
import { formatImageRef, parseImageRef, type ImageRef } from '../../../src/model/image.ts';

const one = `sha256:${'1'.repeat(64)}`;
const two = `sha256:${'2'.repeat(64)}`;

function image(written: string): ImageRef {
  const ref = parseImageRef(written);
  if (ref === undefined) throw new Error(`no image: ${written}`);
  return ref;
}

const components = (images: Readonly<Record<string, string>>): ReadonlyMap<string, ImageRef> =>
  new Map(Object.entries(images).map(([name, written]) => [name, image(written)]));

test('names by date sort by time, in UTC, and a second one of a minute differs', () => {
  const nowMs = Date.UTC(2026, 10, 20, 15, 4, 59);
  expect(newName(nowMs, () => false)).toBe('c_20261120_1504');
  const taken = new Set(['c_20261120_1504', 'c_20261120_1504_2']);
  expect(newName(nowMs, (name) => taken.has(name))).toBe('c_20261120_1504_3');
});

test.each([
  ['c_20261120_1504', 'rc', undefined, 'rc_20261120_1504'],
  ['rc_20261120_1504', 'prod', 'c_20261120_1504', 'prod_20261120_1504'],
  ['c_20261120_1504_2', 'rc', undefined, 'rc_20261120_1504_2'],
  ['1.4.0', 'rc', undefined, 'rc_1.4.0'],
  ['rc_1.4.0', 'prod', '1.4.0', 'prod_1.4.0'],
  ['prod_1.4.0', 'lts', 'rc_1.4.0', 'lts_1.4.0'],
  ['summer_sale', 'rc', undefined, 'rc_summer_sale'],
])('%s promoted as %s (from %s) is %s', (name, stage, from, promoted) => {
  expect(promotedName(name, stage, from)).toBe(promoted);
});

test.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
  [
    'two digests of one repository',
    { web: `a/app:1@${one}`, worker: `a/app:2@${two}`, db: `a/db:1@${one}` },
    ['a/app'],
  ],
  ['one digest twice, under two tags', { web: `a/app:1@${one}`, worker: `a/app:2@${one}` }, []],
  ['one name in two registries', { web: `r1.test/app:1@${one}`, worker: `r2.test/app:1@${two}` }, []],
  [
    'two of three alike, and written in two ways',
    { a: `docker.io/library/app@${one}`, b: `app@${one}`, c: `app@${two}` },
    ['app'],
  ],
])('one tag cannot name %s', (_, images, repositories) => {
  expect(rivalsForTag(components(images)).map(({ repository }) => repository)).toEqual(repositories);
});

test('a name that would leave its folder, or look like a flag, is none', () => {
  expect(['c_1', '1.4', 'a'.repeat(128)].map(isName)).toEqual([true, true, true]);
  expect(['', '../x', '-f', '.x', 'a b', 'a/b', 'a\nb', 'a'.repeat(129)].map(isName)).toEqual(
    Array.from({ length: 8 }, () => false),
  );
});

test.each<[string, readonly string[], readonly string[], readonly string[] | string]>([
  [
    'another image, and one more',
    ['app=:2', 'mail=shop/mail:1'],
    [],
    'app=shop/app:2 side=shop/side:1 mail=shop/mail:1',
  ],
  ['one left out', [], ['side'], 'app=shop/app:1'],
  ['one left out twice', [], ['side', 'side'], 'app=shop/app:1'],
  ['one given twice', ['app=:2', 'app=:3'], [], ['app is given twice, as app=:2 and as app=:3; keep one']],
  ['one given twice alike', ['app=:2', ' app=:2'], [], ['app is given twice, as app=:2 and as  app=:2; keep one']],
  ['a new one given twice', ['x=a:1', 'x=b:1'], [], ['x is given twice, as x=a:1 and as x=b:1; keep one']],
  ['one given and left out', ['app=:2'], ['app'], ['app is given, as app=:2, and left out, by --without; keep one']],
  ['one that is not there', [], ['sid'], ['--without sid: there is no such component. Did you mean side?']],
])('components with %s', (_, images, without, expected) => {
  const changed = changeComponents(components({ app: 'shop/app:1', side: 'shop/side:1' }), { images, without });
  const written = [...changed.components].map(([name, ref]) => `${name}=${formatImageRef(ref)}`).join(' ');
  expect(changed.problems.length > 0 ? changed.problems : written).toEqual(expected);
});

test('an argument names a component and its image, or only what changes of it', () => {
  const known = components({ app: 'registry.example.com:5000/shop/app:1.4' });
  const parsed = (argument: string): string => {
    const result = parseArgument(argument, known);
    return 'problem' in result ? result.problem : `${result.component} ${formatImageRef(result.image)}`;
  };
  expect(parsed('app=:1.5')).toBe('app registry.example.com:5000/shop/app:1.5');
  expect(parsed(`app=@${one}`)).toBe(`app registry.example.com:5000/shop/app@${one}`);
  expect(parsed('mail=shop/mail:1')).toBe('mail shop/mail:1');
  expect(parsed('mail=:2')).toBe("mail=:2: there is no mail to take the image's name from; write it out");
  expect(parsed('=shop/app')).toBe('=shop/app: must be COMPONENT=IMAGE, as app=shop/app:1.4');
  expect(parsed('app=Shop/App')).toBe('app=Shop/App: must be an image, as registry.example.com/shop/app:1.4');
  expect(parsed('app=:')).toBe('app=:: must be an image, as registry.example.com/shop/app:1.4');
});

test('a diff tells added, removed, changed, and the same image under another name', () => {
  const before = components({ app: 'r.io/app:1', db: `r.io/db:1@${one}`, mail: 'r.io/mail:1', same: 'r.io/same:1' });
  const after = components({ app: 'r.io/app:2', db: `r.io/db:2@${one}`, web: 'r.io/web:1', same: 'r.io/same:1' });
  expect(formatDiff(diffComponents(before, after))).toBe(
    [
      '~  app   1 → 2',
      '+  web   r.io/web:1',
      '-  mail  r.io/mail:1',
      '=  db    1 → 2, the same image',
      '1 changed, 1 added, 1 removed, 2 the same',
    ].join('\n'),
  );
});

test('a digest decides: a tag that was moved is a change, a tag that was added is none', () => {
  const changed = (from: string, to: string) => diffComponents(components({ a: from }), components({ a: to })).changed;
  expect(changed(`r.io/a:1@${one}`, `r.io/a:1@${two}`)).toHaveLength(1);
  expect(changed(`r.io/a:1@${one}`, `r.io/a@${one}`)).toEqual([]);
  // What a tag without a digest stands for is not known.
  expect(changed('r.io/a:1', `r.io/a:1@${one}`)).toHaveLength(1);
  expect(changeText(image(`r.io/a:1@${one}`), image(`r.io/a:1@${two}`))).toBe(
    '1 sha256:111111111111 → sha256:222222222222',
  );
  expect(changeText(image('r.io/a:1'), image('other.io/a:1'))).toBe('r.io/a:1 → other.io/a:1');
  expect(unlockedOf(components({ b: 'r.io/b', a: `r.io/a@${one}` }))).toEqual(['b']);
});

test('commits come from labels, and a link only from what is an address', () => {
  const at = (revision: string, source = 'https://github.com/shop/app.git') =>
    builtFrom({ 'org.opencontainers.image.revision': revision, 'org.opencontainers.image.source': source });
  expect(commitsLink(at('a1'), at('b2'))).toBe('https://github.com/shop/app/compare/a1...b2');
  const lab = 'git@gitlab.example.com:shop/app.git';
  expect(commitsLink(at('a1', lab), at('b2', lab))).toBe('https://gitlab.example.com/shop/app/-/compare/a1...b2');
  expect(at('a1', 'https://me:token@github.com/shop/app')).toEqual({
    revision: 'a1',
    url: 'https://github.com/shop/app',
  });
  expect(at('\u001b[31m', 'javascript:alert(1)')).toEqual({});
  expect(commitsLink(at('a1'), at('a1'))).toBeUndefined();
  expect(commitsLink(at('a1'), at('b2', 'https://git.example.com/app'))).toBeUndefined();
});

const runs = (host: string, service: string, written: string, isRunning = true): Running => ({
  host,
  service,
  image: written,
  composition: 'c_1',
  isRunning,
});

test('hosts that run different images make no composition, and each is named', () => {
  const app = (host: string, version: string) => runs(host, 'app', `r.io/app:${version}@${one}`);
  expect(componentsOfRunning([app('h1', '1'), app('h2', '1'), runs('h1', 'web', 'r.io/web:1')])).toEqual({
    components: new Map([
      ['app', image(`r.io/app:1@${one}`)],
      ['web', image('r.io/web:1')],
    ]),
  });
  expect(componentsOfRunning([app('h1', '1'), app('h2', '2'), app('h3', '1')])).toEqual({
    troubles: [`app is not the same everywhere: r.io/app:1@${one} on h1, h3; r.io/app:2@${one} on h2`],
  });
});

test('where a composition is, half way through as well: whole, part, none', () => {
  const wanted = components({ app: `r.io/app:2@${two}`, web: 'r.io/web:1', elsewhere: 'r.io/x:1' });
  const running = [
    runs('h1', 'app', `r.io/app:2@${two}`),
    runs('h1', 'web', `r.io/web:1@${one}`),
    runs('h2', 'app', `r.io/app:1@${one}`),
    runs('h2', 'web', `r.io/web:1@${one}`),
    runs('h3', 'app', `r.io/app:2@${two}`, false),
    runs('h3', 'other', 'r.io/other:1'),
  ];
  const hosts = ['h1', 'h2', 'h3', 'h4'].map((host) => hostOfComposition(host, running, wanted));
  expect(formatHosts([...hosts, { host: 'h5', state: 'unreachable', components: [], message: 'no answer' }])).toBe(
    [
      'h1  all of it',
      'h2  a part of it',
      `    app: r.io/app:1@${one} of c_1`,
      'h3  nothing of it',
      '    app: does not run',
      'h4  nothing of it',
      'h5  not reached: no answer',
    ].join('\n'),
  );
});
