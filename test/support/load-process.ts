/**
 * The load generator as a process of its own:
 *   tsx test/support/load-process.ts URL [--connections 20] [--slow-share 0.25] [--slow-ms 1000-2000] [--think-ms 10]
 * Prints `ready` at once, and its report as one line of JSON when it gets SIGTERM or SIGINT, or its stdin ends.
 */
import { parseArgs } from 'node:util';
import { startLoad } from '../../src/sandbox/load.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    connections: { type: 'string', default: '20' },
    'slow-share': { type: 'string', default: '0.25' },
    'slow-ms': { type: 'string', default: '1000-2000' },
    'think-ms': { type: 'string', default: '10' },
    'timeout-ms': { type: 'string', default: '30000' },
  },
});
const [url] = positionals;
if (url === undefined) throw new Error('usage: load-process URL [--connections N] [--slow-share X] [--slow-ms A-B]');
const [leastMs = 1000, mostMs = leastMs] = values['slow-ms'].split('-').map(Number);

const load = startLoad({
  url,
  connections: Number(values.connections),
  slowShare: Number(values['slow-share']),
  slowMs: [leastMs, mostMs],
  thinkMs: Number(values['think-ms']),
  timeoutMs: Number(values['timeout-ms']),
});
process.stdout.write('ready\n');

const stopped = new Promise<void>((resolve) => {
  process.once('SIGTERM', resolve);
  process.once('SIGINT', resolve);
  process.stdin.once('end', resolve).resume();
});
await stopped;
const report = await load.stop();
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
