import { describe, expect, test } from 'vitest';
import { TerminalModes } from '../../../src/render/terminal-modes.ts';

const esc = '\u001b';

function undoOf(text: string, pieceLength = text.length || 1): string {
  const modes = new TerminalModes();
  for (let at = 0; at < text.length; at += pieceLength) modes.note(text.slice(at, at + pieceLength));
  return modes.undo();
}

const editor = `${esc}[?1049h${esc}[?1h${esc}=${esc}[?2004h${esc}[?25l${esc}[31mtext`;
const cases = [
  ['plain text', 'hello\r\n', ''],
  ['a program that tidies up', `${esc}[?1049h${esc}[?25lx${esc}[?25h${esc}[?1049l${esc}[1mb${esc}[0m`, ''],
  ['a hidden cursor', `${esc}[?25l`, `${esc}[?25h`],
  ['an editor that was cut off', editor, `${esc}[?1049l${esc}[?1l${esc}[?2004l${esc}[?25h${esc}>${esc}[0m`],
  ['a mouse and a paste mode in one sequence', `${esc}[?1000;1006h`, `${esc}[?1000l${esc}[?1006l`],
  ['no wrapping', `${esc}[?7l`, `${esc}[?7h`],
  ['colours with colons', `${esc}[38:5:4mblue`, `${esc}[0m`],
  ['colours ended by the short form', `${esc}[31mred${esc}[m`, ''],
] as const;

describe.each([1, 3, 1000])('read in pieces of %i', (pieceLength) => {
  test.each(cases)('%s leaves what was there', (_, text, undo) => {
    expect(undoOf(text, pieceLength)).toBe(undo);
  });
});

test('a host that sets modes without end is not followed without end', () => {
  const modes = Array.from({ length: 5000 }, (_, index) => `${esc}[?${3000 + index}h`).join('');
  expect(undoOf(modes).length).toBeLessThan(1000);
  expect(undoOf(`${esc}[?${'9'.repeat(100_000)}h`)).toBe('');
});
