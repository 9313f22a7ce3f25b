import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KnownHostsStore } from '../../../src/ssh/known-hosts-store.ts';
import {
  formatKnownHost,
  judgeHostKey,
  knownHostName,
  KnownHostLines,
  linesAbout,
  parseKnownHosts,
} from '../../../src/ssh/known-hosts.ts';
import { generateKey } from '../../support/ssh-server.ts';

const key = generateKey();
const other = generateKey();
const line = (hosts: string, pair = key, marker = ''): string =>
  `${marker}${hosts} ${pair.public.split(' ').slice(0, 2).join(' ')}\n`;

function verdict(text: string, name: string): string {
  const judged = judgeHostKey(linesAbout([new KnownHostLines(parseKnownHosts(text, 'known_hosts'))], name), key.blob);
  switch (judged.kind) {
    case 'trusted':
    case 'revoked':
      return `${judged.kind} by line ${judged.entry.line}`;
    case 'changed':
      return `changed from line ${judged.known.map((entry) => entry.line).join(', ')}`;
    case 'unknown':
      return judged.authority === undefined ? 'unknown' : `unknown, authority in line ${judged.authority.line}`;
  }
}

describe('a known_hosts line', () => {
  test.each([
    ['a name', line('h1'), 'h1', 'trusted by line 1'],
    ['a name in capitals', line('H1.Example.COM'), 'h1.example.com', 'trusted by line 1'],
    ['several names', line('10.0.0.1,h1'), 'h1', 'trusted by line 1'],
    ['a name of another host', line('h2'), 'h1', 'unknown'],
    ['a wildcard', line('*.example.com'), 'h1.example.com', 'trusted by line 1'],
    ['a wildcard that does not match', line('*.example.com'), 'example.com', 'unknown'],
    ['a question mark', line('h?'), 'h1', 'trusted by line 1'],
    ['a negation', line('*.example.com,!h1.example.com'), 'h1.example.com', 'unknown'],
    ['a negation of another', line('*.example.com,!h2.example.com'), 'h1.example.com', 'trusted by line 1'],
    ['a port', line('[h1]:2222'), '[h1]:2222', 'trusted by line 1'],
    ['another port', line('[h1]:2222'), '[h1]:2223', 'unknown'],
    ['no port, when one is asked for', line('h1'), '[h1]:2222', 'unknown'],
    ['a wildcard with a port', line('[*.example.com]:2222'), '[h1.example.com]:2222', 'trusted by line 1'],
    ['an IPv6 address with a port', line('[fe80::1]:2222'), '[fe80::1]:2222', 'trusted by line 1'],
    ['another key', line('h1', other), 'h1', 'changed from line 1'],
    ['several keys, one of them good', line('h1', other) + line('h1'), 'h1', 'trusted by line 2'],
    ['several keys, none of them good', line('h1', other) + line('h1', other), 'h1', 'changed from line 1, 2'],
    ['a revoked key', line('*', key, '@revoked '), 'h1', 'revoked by line 1'],
    ['a known and a revoked key', line('h1') + line('*', key, '@revoked '), 'h1', 'revoked by line 2'],
    ['another revoked key', line('h1') + line('*', other, '@revoked '), 'h1', 'trusted by line 1'],
    ['only another revoked key', line('*', other, '@revoked '), 'h1', 'unknown'],
    ['a certificate authority', line('*', other, '@cert-authority '), 'h1', 'unknown, authority in line 1'],
    ['the key as an authority’s', line('*', key, '@cert-authority '), 'h1', 'unknown, authority in line 1'],
    ['a comment', `# ${line('h1')}`, 'h1', 'unknown'],
    ['a comment behind the key', line('h1').replace('\n', ' root@h1\n'), 'h1', 'trusted by line 1'],
    [
      'Windows line ends',
      line('h0').replace('\n', '\r\n') + line('h1').replace('\n', '\r\n'),
      'h1',
      'trusted by line 2',
    ],
    ['spaces and tabs', `\n  ${line('h1').replaceAll(' ', '\t  ')}`, 'h1', 'trusted by line 2'],
    ['a type that the key is not', line('h1').replace('ssh-ed25519', 'ssh-rsa'), 'h1', 'unknown'],
    ['a cut key', `${line('h1').slice(0, 40)}\n`, 'h1', 'unknown'],
    ['an unknown marker', line('h1', key, '@trusted '), 'h1', 'unknown'],
    ['a hash of an unknown kind', line('|2|AAAA|BBBB'), 'h1', 'unknown'],
  ])('with %s', (_what, text, name, expected) => {
    expect(verdict(text, name)).toBe(expected);
  });

  test('that ssh-keygen hashed is found', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rollout-known-'));
    const file = join(folder, 'known_hosts');
    await writeFile(file, line('h1.example.com') + line('[h1.example.com]:2222'));
    execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' });
    const hashed = await readFile(file, 'utf8');
    await rm(folder, { recursive: true });
    expect(hashed).not.toContain('example');
    expect(verdict(hashed, 'h1.example.com')).toBe('trusted by line 1');
    expect(verdict(hashed, '[h1.example.com]:2222')).toBe('trusted by line 2');
    expect(verdict(hashed, 'h2.example.com')).toBe('unknown');
  });
});

test('a host is looked up with its port only where that is not 22', () => {
  expect([knownHostName('H1', 22), knownHostName('h1', 2222), knownHostName('::1', 22)]).toEqual([
    'h1',
    '[h1]:2222',
    '::1',
  ]);
});

describe('a host that is added', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollout-known-'));
    file = join(folder, 'sub', 'known_hosts');
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('comes after what is there, also where the last line has no end', async () => {
    file = join(folder, 'known_hosts');
    await writeFile(file, line('h0').trimEnd());
    await new KnownHostsStore().add(file, 'h1', key.blob, { hashed: false });
    expect(await readFile(file, 'utf8')).toBe(line('h0') + line('h1'));
  });

  test('makes its folder and file, for nobody else to read', async () => {
    await new KnownHostsStore().add(file, '[h1]:2222', key.blob, { hashed: false });
    expect(await readFile(file, 'utf8')).toBe(line('[h1]:2222'));
    const modes = execFileSync('stat', ['-c', '%a', join(folder, 'sub'), file], { encoding: 'utf8' });
    expect(modes).toBe('700\n600\n');
  });

  test('is hashed where ssh_config says so, and ssh-keygen finds it', async () => {
    await new KnownHostsStore().add(file, 'h1.example.com', key.blob, { hashed: true });
    expect(await readFile(file, 'utf8')).toMatch(/^\|1\|[\w+/=]+\|[\w+/=]+ ssh-ed25519 /);
    expect(execFileSync('ssh-keygen', ['-F', 'h1.example.com', '-f', file], { encoding: 'utf8' })).toContain(
      'found: line 1',
    );
  });

  test('is known to this run at once, and is not added twice', async () => {
    const store = new KnownHostsStore();
    await store.load([file]);
    await Promise.all([1, 2, 3].map(() => store.add(file, 'h1', key.blob, { hashed: true })));
    expect(judgeHostKey(linesAbout(await store.load([file]), 'h1'), key.blob).kind).toBe('trusted');
    expect((await readFile(file, 'utf8')).split('\n')).toHaveLength(2);
  });

  test('holds for this run where the file cannot be written', async () => {
    await writeFile(join(folder, 'plain'), '');
    const store = new KnownHostsStore();
    const impossible = join(folder, 'plain', 'known_hosts');
    await expect(store.add(impossible, 'h1', key.blob, { hashed: false })).rejects.toThrow();
    expect(judgeHostKey(linesAbout(await store.load([impossible]), 'h1'), key.blob).kind).toBe('trusted');
  });

  test('with fifty others, by two processes at once, leaves a hundred whole lines', async () => {
    const program = `
      import { KnownHostsStore } from ${JSON.stringify(new URL('../../../src/ssh/known-hosts-store.ts', import.meta.url).href)};
      const [file, prefix, key] = process.argv.slice(1);
      const store = new KnownHostsStore();
      await Promise.all(Array.from({ length: 50 }, (_, i) => store.add(file, prefix + i, Buffer.from(key, 'base64'), { hashed: false })));
    `;
    await Promise.all(
      ['a', 'b'].map((prefix) =>
        promisify(execFile)(
          process.execPath,
          ['--import', 'tsx', '--input-type=module', '-e', program, file, prefix, key.blob.toString('base64')],
          { timeout: 20_000 },
        ),
      ),
    );
    const names = (prefix: string) => Array.from({ length: 50 }, (_, index) => line(`${prefix}${index}`));
    // A writer that sees half of the other's line, which a page border can cut, begins with a newline: no harm.
    const lines = (await readFile(file, 'utf8')).split(/(?<=\n)/).filter((text) => text !== '\n');
    expect(lines.toSorted()).toEqual([...names('a'), ...names('b')].toSorted());
  });
});

test('a formatted line is parsed back', () => {
  const salt = Buffer.alloc(20, 7);
  for (const text of [formatKnownHost('h1', key.blob), formatKnownHost('h1', key.blob, salt)]) {
    expect(verdict(text, 'h1')).toBe('trusted by line 1');
  }
});
