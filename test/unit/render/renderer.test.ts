import { expect, test } from 'vitest';
import { createRenderer, type RendererOptions } from '../../../src/render/renderer.ts';
import { streams } from '../../support/event-streams.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { memoryStream } from '../../support/memory-stream.ts';

const terminal = { columns: 80, rows: 24 };

function kindOf(options: Pick<RendererOptions, 'output' | 'term'>, size?: typeof terminal): string {
  const stdout = memoryStream(size);
  const [event] = streams.rolling();
  if (event === undefined) throw new Error('no event');
  const renderer = createRenderer({ ...options, stdout, clock: manualClock(event.at), color: true, verbosity: 0 });
  renderer.emit(event);
  renderer.close();
  if (stdout.text().startsWith('{"v":1,')) return 'json';
  return stdout.text().includes('\u001b[') ? 'tty' : 'plain';
}

test('auto is live on a terminal and plain anywhere else; a dumb terminal never gets escape sequences', () => {
  expect({
    'auto on a terminal': kindOf({ output: 'auto', term: 'xterm' }, terminal),
    'auto on a dumb terminal': kindOf({ output: 'auto', term: 'dumb' }, terminal),
    'auto on a pipe': kindOf({ output: 'auto', term: 'xterm' }),
    'tty on a pipe': kindOf({ output: 'tty', term: undefined }),
    'tty on a dumb terminal': kindOf({ output: 'tty', term: 'dumb' }, terminal),
    'plain on a terminal': kindOf({ output: 'plain', term: 'xterm' }, terminal),
    'json on a terminal': kindOf({ output: 'json', term: 'xterm' }, terminal),
  }).toEqual({
    'auto on a terminal': 'tty',
    'auto on a dumb terminal': 'plain',
    'auto on a pipe': 'plain',
    'tty on a pipe': 'tty',
    'tty on a dumb terminal': 'plain',
    'plain on a terminal': 'plain',
    'json on a terminal': 'json',
  });
});
