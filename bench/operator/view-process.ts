/** A run with its live view in this process, profiled: `tsx view-process.ts PLAYBOOK` prints a {@link ViewCost}. */
import { Session, type Profiler } from 'node:inspector/promises';
import { openRun } from '../../src/api/run.ts';
import { systemClock } from '../../src/api/surroundings.ts';
import { createRenderer, type OutputStream } from '../../src/render/renderer.ts';

export interface ViewCost {
  /** CPU of the process while the run went on. */
  readonly cpuMs: number;
  /** Of that, within `src/render/` and what it called. */
  readonly viewMs: number;
  readonly wallMs: number;
  readonly draws: number;
  readonly outputBytes: number;
  readonly outcome: string;
}

// What the build puts in.
Object.assign(globalThis, { __ROLLOUT_VERSION__: 'bench', __ROLLOUT_BUGS__: '' });

const sampleEveryMicroseconds = 500;
const [playbook = ''] = process.argv.slice(2);

let [draws, outputBytes] = [0, 0];
/** A terminal of 200 by 50 that takes everything at once. */
const terminal: OutputStream = {
  isTTY: true,
  columns: 200,
  rows: 50,
  on: () => undefined,
  off: () => undefined,
  write(text: string) {
    draws += 1;
    outputBytes += Buffer.byteLength(text);
    return true;
  },
};

const renderer = createRenderer({
  output: 'tty',
  stdout: terminal,
  clock: systemClock,
  color: true,
  verbosity: 0,
  term: 'xterm-256color',
});
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.setSamplingInterval', { interval: sampleEveryMicroseconds });
await session.post('Profiler.start');
const [startedMs, cpuBefore] = [performance.now(), process.cpuUsage()];
const run = await openRun(playbook, { onEvent: (event) => renderer.emit(event) });
const { outcome } = await run.start();
await run.close();
renderer.close();
const { user, system } = process.cpuUsage(cpuBefore);
const wallMs = performance.now() - startedMs;
const { profile } = await session.post('Profiler.stop');
const cost: ViewCost = {
  cpuMs: (user + system) / 1000,
  viewMs: timeWithin(profile, '/src/render/'),
  wallMs,
  draws,
  outputBytes,
  outcome,
};
process.stdout.write(`${JSON.stringify(cost)}\n`, () => process.exit(0));

/** Milliseconds of the samples in whose stack there is a function of this folder. */
function timeWithin({ nodes, samples, timeDeltas }: Profiler.Profile, folder: string): number {
  const children = new Map(nodes.map((node) => [node.id, node]));
  const within = new Set<number>();
  const visit = (id: number, isWithin: boolean): void => {
    const node = children.get(id);
    const isHere = isWithin || node?.callFrame.url.includes(folder) === true;
    if (isHere) within.add(id);
    for (const child of node?.children ?? []) visit(child, isHere);
  };
  const [root] = nodes;
  if (root !== undefined) visit(root.id, false);
  return (samples ?? []).reduce((sum, id, at) => sum + (within.has(id) ? (timeDeltas?.[at] ?? 0) : 0), 0) / 1000;
}
