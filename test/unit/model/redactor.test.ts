import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRedactor } from '../../../src/model/redactor.ts';
import { Secret } from '../../../src/model/secret.ts';

const value = `p@ss w/"o'rd$ü&<1>`;
const redactor = createRedactor([new Secret('db', value)]);

const encodings: Readonly<Record<string, (text: string) => string>> = {
  'as it is': (text) => text,
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64, one byte before': (text) => Buffer.from(`x${text}yz`).toString('base64'),
  'base64, two bytes before': (text) => Buffer.from(`xx${text}y`).toString('base64'),
  'base64 of user:password': (text) => Buffer.from(`deploy:${text}`).toString('base64'),
  base64url: (text) => Buffer.from(text).toString('base64url'),
  'URL component': (text) => encodeURIComponent(text),
  'URL, lower case': (text) => encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase()),
  'URL form': (text) => new URLSearchParams({ q: text }).toString(),
  JSON: (text) => JSON.stringify({ q: text }),
  'JSON in JSON': (text) => JSON.stringify({ log: JSON.stringify({ q: text }) }),
  'JSON in ASCII': (text) => JSON.stringify(text).replaceAll('ü', '\\u00fc'),
  'JSON for HTML': (text) =>
    JSON.stringify(text).replaceAll('&', '\\u0026').replaceAll('<', '\\u003c').replaceAll('>', '\\u003e'),
  'shell, single quotes': (text) => `'${text.replaceAll("'", `'\\''`)}'`,
  'shell, backslashes': (text) => text.replace(/[^A-Za-z0-9/@ü]/g, '\\$&'),
  'shell, double quotes': (text) => `"${text.replace(/[\\$`"]/g, '\\$&')}"`,
  HTML: (text) =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
  hex: (text) => Buffer.from(text).toString('hex'),
  HEX: (text) => Buffer.from(text).toString('hex').toUpperCase(),
};

for (const [name, encode] of Object.entries(encodings)) {
  test(`a value is found ${name}`, () => {
    const redacted = redactor.redact(`before ${encode(value)} after`);
    expect(redacted).toContain('[secret db]');
    expect(redacted).toMatch(/^before /);
    expect(redacted).toMatch(/ after$/);
    expect(redacted.length).toBeLessThan('before '.length + '[secret db]'.length + ' after'.length + 25);
  });
}

test('what is no secret stays, to the letter', () => {
  const text = 'p@ss w/"o is nearly it\n\ud83d\ude80 \u0000 [secret db] cGFzcw==';
  expect(redactor.redact(text)).toBe(text);
  expect(createRedactor([]).redact(text)).toBe(text);
  expect(createRedactor([new Secret('empty', '')]).redact(text)).toBe(text);
});

test('the longest value wins, and nothing of overlapping ones is left', () => {
  const overlapping = createRedactor([
    new Secret('short', 'abcd'),
    new Secret('long', 'abcdefgh'),
    new Secret('other', 'ghijkl'),
  ]);
  expect(overlapping.redact('abcdefzz abcx')).toBe('[secret short]efzz abcx');
  expect(overlapping.redact('-abcdefgh-abcd-abcdefghijkl-')).toBe('-[secret long]-[secret short]-[secret long]-');
});

test('a value of several lines is found line by line, indented or not, and wrapped in base64', () => {
  const key = [
    '-----BEGIN KEY-----',
    'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC',
    'BKcwggSjAgEAAoIBAQC7',
    '-----END KEY-----',
    '',
  ];
  const pem = createRedactor([new Secret('key', key.join('\n'))]);
  expect(pem.redact(`log:\r\n    MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\r\n  | BKcwggSjAgEAAoIBAQC7 |`)).toBe(
    'log:\r\n    [secret key]\r\n  | [secret key] |',
  );
  const wrapped = (
    Buffer.from(key.join('\n'))
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  ).join('\n');
  expect(pem.redact(wrapped)).toMatch(/^(?:\[secret key\]\n?)+$/);
});

test('a value of several short lines is found as a whole', () => {
  expect(createRedactor([new Secret('pin', 'ab\ncd\nefgh')]).redact('x ab\ncd\nefgh y ab')).toBe('x [secret pin] y ab');
});

test('a value of three characters is found as a word of its own, and nowhere else', () => {
  const short = createRedactor([new Secret('pin', 'a1b')]);
  expect(short.redact('a1b pin=a1b, "a1b" ba1b a1b2 a_1b a1b_ data1b')).toBe(
    '[secret pin] pin=[secret pin], "[secret pin]" ba1b a1b2 a_1b a1b_ data1b',
  );
});

test.each(['1', '7', 'h', '-', '.', '/', 'ok', '10', 'é', '"'])(
  'a value of one or two characters is found where it is the whole text or a line of it, and nowhere else: %s',
  (value) => {
    const short = createRedactor([new Secret('pw', value)]);
    const text = `h1: 1 of 10 hosts ok, "7" é - ${value}. ${value}=${value}\n ${value}\n${value} \n${value}${value}`;
    expect(short.redact(text)).toBe(text);
    expect(short.redact(value)).toBe('[secret pw]');
    expect(short.redact(`a\n${value}\r\n${value}\nb`)).toBe('a\n[secret pw]\r\n[secret pw]\nb');
  },
);

test('a secret that becomes known later is found from then on, also by a stream that has begun', () => {
  const later = createRedactor([new Secret('db', 'hunter22')]);
  const stream = later.stream();
  expect(stream.write('token s3cr3t-token\n')).toBe('token s3cr3t-token\n');
  later.add(new Secret('token', 's3cr3t-token'));
  later.add(new Secret('token', 's3cr3t-token'));
  expect(stream.write('token s3cr3t-token\n')).toBe('token [secret token]\n');
  expect(later.redact(`hunter22 ${Buffer.from('u:s3cr3t-token').toString('base64')}`)).toMatch(
    /^\[secret db\] .*\[secret token\]$/,
  );
});

test('a stream holds back only what may become a secret', () => {
  const stream = createRedactor([new Secret('db', 'hunter22')]).stream();
  expect(stream.write('line one\npass=hun')).toBe('line one\npass=');
  expect(stream.write('ter2')).toBe('');
  expect(stream.write('2\nline')).toBe('[secret db]\nline');
  expect(stream.write(' hunt')).toBe(' ');
  expect(stream.write('ing\n')).toBe('hunting\n');
  expect(stream.write('hunter')).toBe('');
  expect(stream.end()).toBe('hunter');
});

test('a stream says the same as the whole text, wherever it is cut', () => {
  const parts = fc.constantFrom(
    's3cr3t',
    's3cr3t-long',
    'x',
    'ab',
    ' ',
    's3',
    'cr3t',
    '-long',
    'czNjcjN0',
    '\n',
    'é',
    'ba',
  );
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 30 }), fc.array(fc.nat(40), { maxLength: 10 }), (words, cuts) => {
      const all = createRedactor([
        new Secret('a', 's3cr3t'),
        new Secret('b', 's3cr3t-long'),
        new Secret('c', 'ba'),
        new Secret('d', 'cr3'),
      ]);
      const text = words.join('');
      const stream = all.stream();
      let rest = text;
      let streamed = '';
      for (const cut of cuts) {
        streamed += stream.write(rest.slice(0, cut));
        rest = rest.slice(cut);
      }
      streamed += stream.write(rest) + stream.end();
      expect(streamed).toBe(all.redact(text));
    }),
    { numRuns: 2000 },
  );
});

test('what is found is what a search for every value at every place finds', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 4, maxLength: 7 });
  const texts = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 60 });
  fc.assert(
    fc.property(fc.uniqueArray(letters, { minLength: 1, maxLength: 6 }), texts, (values, text) => {
      const hidden = Array.from({ length: text.length }, () => false);
      for (let at = 0; at < text.length; at += 1) {
        for (const each of values) if (text.startsWith(each, at)) hidden.fill(true, at, at + each.length);
      }
      const shown = createRedactor(values.map((each) => new Secret('x', each))).redact(text);
      const expected = hidden.map((isHidden, at) => (isHidden ? '#' : text.charAt(at))).join('');
      // Values side by side have a mask each.
      expect(shown.replaceAll('[secret x]', '#').replace(/#+/g, '#')).toBe(expected.replace(/#+/g, '#'));
    }),
    { numRuns: 2000 },
  );
});

test('no value is left in any encoding, at any byte offset, in whatever surrounds it', () => {
  const secretText = fc
    .string({ unit: 'grapheme', minLength: 6, maxLength: 40 })
    .filter((text) => text.trim() === text);
  fc.assert(
    fc.property(secretText, fc.string(), fc.string(), (text, before, after) => {
      fc.pre(!'[secret s]'.includes(text));
      const one = createRedactor([new Secret('s', text)]);
      for (const encode of [encodings['as it is'], encodings['base64'], encodings['JSON'], encodings['hex']]) {
        const shown = encode?.(`${before}${text}${after}`) ?? '';
        expect(one.redact(shown)).toContain('[secret s]');
      }
    }),
    { numRuns: 300 },
  );
});

test('ten megabytes of log, with two hundred secrets that begin as every line ends, are gone through once: a search for each at every place would outlast the test by hours', () => {
  const secrets = Array.from(
    { length: 200 },
    (_, index) => new Secret(`s${index}`, `token-${index * 7919}-Zx9/${index}`),
  );
  const line = '2026-11-20T15:04:32Z level=info msg="request served" path=/shop/items?id=4711 took=12ms token=none\n';
  const log = line.repeat(Math.ceil(10e6 / line.length));
  const many = createRedactor(secrets);
  expect(many.redact(log)).toBe(log);
});
