import { expect, test } from 'vitest';
import { withoutCredentials, withoutUrlCredentials } from '../../../src/model/credentials.ts';

test.each([
  ['http://ops:geheim@lb:8404/stats', 'http://**********@lb:8404/stats'],
  ['got "ftp://ops:geheim@lb/stats"; see "https://a:b@c"', 'got "ftp://**********@lb/stats"; see "https://***@c"'],
  // Not encoded, as they were typed: no valid URL, which is why an error shows it.
  ['http://ops:p@ss/1?@lb/stats', 'http://***********@lb/stats'],
  ['https://token@host/x', 'https://*****@host/x'],
  ['http://:pw@host', 'http://***@host'],
  ['http://ops:geheim@lb1,http://ops:geheim@lb2', 'http://********************************@lb2'],
  ['http://host/a@b http://host/?mail=a@b', 'http://host/a@b http://host/?mail=a@b'],
  ['shop/app@sha256:0a2f ops@host ops:pw@host', 'shop/app@sha256:0a2f ops@host ops:pw@host'],
  ['http://@host', 'http://@host'],
])('%j is shown as %j', (text, shown) => {
  expect(withoutUrlCredentials(text)).toBe(shown);
});

test.each([
  ['    password: geheim, with a comma # why', '    password: **************************'],
  [
    '  lb: { username: ops, password: geheim, backend: web }',
    '  lb: { username: ops, password: ******, backend: web }',
  ],
  ['  lb: { "password": "ge,h}e", backend: web }', '  lb: { "password": "******", backend: web }'],
  ["  password: 'it''s' # yes", "  password: '**''*' # yes"],
  ['h1 ansible_host=10.0.0.1 ansible_password=geheim bogus', 'h1 ansible_host=10.0.0.1 ansible_password=****** bogus'],
  ['ansible_become_password="two words" x=1', 'ansible_become_password="*********" x=1'],
  ['api_key: k1, token: t1', 'api_key: *************'],
  ['{ api_key: k1, token: t1 }', '{ api_key: **, token: ** }'],
  ['password: { secret: pw }', 'password: { secret: pw }'],
  ['password: !vault |', 'password: !vault |'],
  ['password: "{{ pw }}"', 'password: "{{ pw }}"'],
  ['password:', 'password:'],
  ['passwords: geheim', 'passwords: geheim'],
  ['command: [op, read, "op://vault/db/password"]', 'command: [op, read, "op://vault/db/password"]'],
])('the line %j is shown as %j', (line, shown) => {
  expect(withoutCredentials(line)).toBe(shown);
  expect(withoutCredentials(line)).toHaveLength(line.length);
});

test('a long line takes no longer than its length says', () => {
  for (const line of [
    'http://a:'.repeat(50_000),
    'password: "'.repeat(50_000),
    '{password: }'.repeat(50_000),
    'token={'.repeat(50_000),
  ])
    expect(withoutCredentials(line)).toHaveLength(line.length);
});
