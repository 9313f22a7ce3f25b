import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatKnownHost,
  judgeHostKey,
  knownHostName,
  KnownHostLines,
  linesAbout,
  matchesPatternList,
  parseKnownHosts,
} from '../../src/ssh/known-hosts.ts';
import { quoteArgv } from '../../src/shell/quote.ts';
import { evaluateSshConfig, parseSshConfig, SshConfigError } from '../../src/ssh/ssh-config.ts';

/** A public key in wire form: only its outer shape matters here. */
const keyBlob = fc
  .uint8Array({ maxLength: 40 })
  .map((bytes) =>
    Buffer.concat([Buffer.from('ssh-ed25519'), Buffer.from(bytes)].flatMap((field) => [lengthOf(field), field])),
  );

function lengthOf(field: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(field.length);
  return length;
}

const hostName = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?$/);
const configWord = fc.oneof(
  fc.constantFrom(
    'Host',
    'Match',
    'Include',
    'HostName',
    'Port',
    'ProxyJump',
    'all',
    'host',
    'user',
    '*',
    '!h1',
    '"',
    '\\',
    '=',
    '#',
    '%h',
    '\t',
    ' ',
  ),
  fc.string({ maxLength: 6 }),
);

test('no text of known_hosts is too much for its parser', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), keyBlob, (text, name, key) => {
      judgeHostKey(linesAbout([new KnownHostLines(parseKnownHosts(text, 'known_hosts'))], name), key);
    }),
  );
});

test('a host that was added is trusted with its key, and with no other, among any other lines', () => {
  fc.assert(
    fc.property(
      hostName,
      fc.integer({ min: 1, max: 65_535 }),
      keyBlob,
      keyBlob,
      fc.boolean(),
      fc.array(fc.string()),
      (host, port, key, other, hashed, noise) => {
        fc.pre(!key.equals(other));
        const name = knownHostName(host, port);
        const text = `${noise.map((line) => `# ${line.replace(/[\r\n]/g, '')}\n`).join('')}${formatKnownHost(name, key, hashed ? Buffer.alloc(20, port) : undefined)}`;
        const lines = linesAbout([new KnownHostLines(parseKnownHosts(text, 'known_hosts'))], name);
        expect(judgeHostKey(lines, key).kind).toBe('trusted');
        expect(judgeHostKey(lines, other).kind).toBe('changed');
      },
    ),
  );
});

test('patterns match as their regular expressions do, and a negation always wins', () => {
  const pattern = fc.stringMatching(/^[ab*?]{0,6}$/);
  fc.assert(
    fc.property(
      fc.array(pattern, { maxLength: 3 }),
      fc.array(pattern, { maxLength: 2 }),
      fc.stringMatching(/^[ab]{0,8}$/),
      (wanted, unwanted, text) => {
        const matches = (glob: string): boolean =>
          new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(text);
        expect(matchesPatternList([...wanted, ...unwanted.map((glob) => `!${glob}`)], text)).toBe(
          wanted.some(matches) && !unwanted.some(matches),
        );
      },
    ),
  );
});

test('a text of ssh_config is read or refused with its line, never anything else', () => {
  fc.assert(
    fc.property(fc.array(fc.array(configWord, { maxLength: 6 }), { maxLength: 6 }), (lines) => {
      const text = lines.map((words) => words.join(' ')).join('\n');
      try {
        evaluateSshConfig([parseSshConfig(text, 'config')], { host: 'h1', user: undefined, localUser: 'me' });
      } catch (error) {
        expect(error).toBeInstanceOf(SshConfigError);
        expect((error as Error).message).toMatch(/^config:\d+: /);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a quoted argv is what a POSIX shell splits it into again', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string({ unit: 'grapheme' }).filter((word) => !word.includes('\0')),
        { minLength: 1 },
      ),
      (argv) => {
        expect(splitAsShell(quoteArgv(argv))).toEqual(argv);
      },
    ),
  );
});

/** What sh makes of a line that holds only plain words, single quotes and escaped quotes. */
function splitAsShell(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    if (char === ' ') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === "'") {
      const end = line.indexOf("'", at + 1);
      word = (word ?? '') + line.slice(at + 1, end);
      at = end;
    } else if (char === '\\') {
      word = (word ?? '') + line.charAt(++at);
    } else {
      expect(char).toMatch(/[\w/:=.,@%+-]/);
      word = (word ?? '') + char;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

test('a host finds the lines about it by their names as it would by reading them all, in order', () => {
  const names = fc.constantFrom('h1', 'H1', 'h2', '[h1]:2222', '10.0.0.1', '*', 'h?', '!h2', '*.example.com', '::1');
  const lines = fc.array(fc.array(names, { minLength: 1, maxLength: 4 }), { maxLength: 12 });
  fc.assert(
    fc.property(lines, names, keyBlob, (hosts, name, key) => {
      const entries = hosts.map((patterns, index) => ({
        file: 'known_hosts',
        line: index + 1,
        marker: undefined,
        hosts: patterns.join(','),
        keyType: 'ssh-ed25519',
        key,
      }));
      const read = entries.filter((entry) =>
        matchesPatternList(entry.hosts.toLowerCase().split(','), name.toLowerCase()),
      );
      expect(new KnownHostLines(entries).about(name)).toEqual(read);
    }),
  );
});
