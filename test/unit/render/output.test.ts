import { expect, test } from 'vitest';
import {
  guardedWriter,
  mostUnreadBytes,
  printableJson,
  textWriter,
  type OutputStream,
} from '../../../src/render/output.ts';
import { createJsonRenderer } from '../../../src/render/json.ts';
import { createRenderer } from '../../../src/render/renderer.ts';
import { systemSurroundings } from '../../../src/api/surroundings.ts';
import { listing } from '../../../src/config/inventory/command.ts';
import type { Event } from '../../../src/events/event.ts';
import { memoryStream } from '../../support/memory-stream.ts';

/** What somebody may put into a name, a label, a log or an error. */
const nasty: Readonly<Record<string, string>> = {
  'OSC 52 (the clipboard)': 'a\u001b]52;c;ZXZpbA==\u0007b',
  'OSC 8 (a link)': '\u001b]8;;http://evil\u001b\\x\u001b]8;;\u001b\\',
  'a title by C1': '\u009d0;evil\u009c',
  'colours and concealment': '\u001b[8mhidden\u001b[0m\u009b31m',
  'the cursor': '\u001b[2J\u001b[1A\rroot# \b\b',
  'DEL and NUL': 'a\u007f\u0000b',
  bidi: 'user\u202egnp.exe\u2066\u2069\u200f',
  'no width': 'h\u200b1\ufeff\u2060',
  separators: 'a\u2028b\u2029c\u0085d',
  'tags and half a pair': 'x\u{e0041}\ud800',
};
const unsafe = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u;

test.each(Object.entries(nasty))('JSON says %s in ASCII, and reads back the same', (_, text) => {
  const value = { [text]: [text, { text }] };
  for (const indent of [undefined, 2]) {
    const json = printableJson(value, indent);
    expect(json.replaceAll('\n', '')).not.toMatch(unsafe);
    expect(JSON.parse(json)).toEqual(value);
  }
});

test.each(Object.entries(nasty))('plain text and events obey nothing: %s', (_, text) => {
  const stdout = memoryStream();
  textWriter(stdout)(`one ${text}\ntwo\n`);
  expect(stdout.text().replaceAll('\n', '')).not.toMatch(unsafe);
  expect(stdout.text()).toMatch(/^one [^]*\ntwo\n$/);

  const events: Event[] = [
    { v: 1, at: 0, run: 'r', type: 'warning', host: text, message: text },
    { v: 1, at: 0, run: 'r', type: 'host_unreachable', host: text, message: `the registry said: ${text}`, hint: text },
  ];
  const json = memoryStream();
  const asJson = createJsonRenderer(json);
  const plain = memoryStream();
  const asText = createRenderer({
    output: 'plain',
    stdout: plain,
    clock: systemSurroundings().clock,
    color: true,
    verbosity: 3,
    term: 'xterm',
    atExit: () => () => undefined,
  });
  for (const event of events) for (const renderer of [asJson, asText]) renderer.emit(event);
  asText.close();
  const lines = json.text().trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(events);
  for (const shown of [json.text(), plain.text()]) expect(shown.replaceAll('\n', '')).not.toMatch(unsafe);
  expect(plain.text()).not.toBe('');
});

test.each(Object.entries(nasty))('an inventory shows names and variables without obeying them: %s', async (_, text) => {
  const name = text.replace(/[\n\r\0 ,:]/g, '');
  const options = {
    sources: [`${name},other`],
    extraVars: [JSON.stringify({ note: text })],
    playbookFolder: undefined,
    vaultPasswordFile: undefined,
    askVaultPass: undefined,
    cwd: '/nonexistent',
    env: {},
  };
  for (const kind of ['list', 'graph'] as const) {
    const action = kind === 'list' ? { kind } : { kind, group: 'all', vars: true };
    const stdout = memoryStream();
    textWriter(stdout)((await listing(action, options)).text);
    expect(stdout.text().replaceAll('\n', '')).not.toMatch(unsafe);
    expect(stdout.text()).toContain('other');
    if (kind === 'list') expect(JSON.stringify(JSON.parse(stdout.text()))).toContain(JSON.stringify(text).slice(1, -1));
  }
});

test('for a reader that has stopped so much is kept and no more; when it reads again it is told what was left out', () => {
  let unread = 0;
  const chunks: string[] = [];
  const stream: OutputStream = {
    write: (text) => chunks.push(text),
    on: () => undefined,
    off: () => undefined,
    get writableLength() {
      return unread;
    },
  };
  const print = textWriter(stream);
  const printJson = guardedWriter(stream);
  print('one\n');
  unread = mostUnreadBytes + 1;
  for (const text of ['two\n', 'three\n']) {
    print(text);
    printJson(`{"${text.trim()}":1}\n`);
  }
  unread = mostUnreadBytes;
  print('four\n');
  print('five\n');
  // A note would be no JSON.
  printJson('{"four":1}\n');
  expect(chunks).toEqual(['one\n', '(left out while nobody read: 2 messages)\nfour\n', 'five\n', '{"four":1}\n']);
});
