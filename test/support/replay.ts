// Plays a recorded run on this terminal, to look at a renderer: tsx test/support/replay.ts [STREAM] [SPEED] [OUTPUT]
import { setTimeout } from 'node:timers/promises';
import { createRenderer } from '../../src/render/renderer.ts';
import type { Clock } from '../../src/model/clock.ts';
import { streams } from './event-streams.ts';

const [name = 'rolling', speedText = '1', output = 'auto'] = process.argv.slice(2);
const stream = Object.entries(streams).find(([each]) => each === name)?.[1];
if (stream === undefined || !isOutput(output)) {
  console.error(`streams: ${Object.keys(streams).join(', ')}; outputs: auto, tty, plain, json`);
  process.exit(2);
}

const events = stream();
const speed = Number(speedText);
const beganMs = Date.now();
const firstMs = events[0]?.at ?? 0;
const clock: Clock = {
  now: () => firstMs + (Date.now() - beganMs) * speed,
  sleep: async (delayMs, signal) => {
    await setTimeout(delayMs / speed, undefined, { signal });
  },
};
const renderer = createRenderer({
  output,
  stdout: process.stdout,
  clock,
  color: process.env['NO_COLOR'] === undefined,
  verbosity: Number(process.env['VERBOSITY'] ?? 0),
  term: process.env['TERM'],
  atExit(callback) {
    process.on('exit', callback);
    return () => process.off('exit', callback);
  },
});
process.on('SIGINT', () => process.exit(130));
try {
  for (const event of events) {
    await clock.sleep(Math.max(0, event.at - clock.now()));
    renderer.emit(event);
  }
} finally {
  renderer.close();
}

function isOutput(text: string): text is 'auto' | 'tty' | 'plain' | 'json' {
  return ['auto', 'tty', 'plain', 'json'].includes(text);
}
