// What the operator's commands cost: `npm run bench:operator -- [look] [logs] [view] [--hosts 24] [--runs 7]`. Exit code
// 1 where a goal is missed. See bench/README.md.
import { parseArgs } from 'node:util';
import { buildTool } from '../../test/support/build.ts';
import { describeMachine } from '../machine.ts';
import type { Goal } from './goal.ts';
import { measureLogs } from './logs.ts';
import { measureLooks } from './looks.ts';
import { measureView } from './view.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    hosts: { type: 'string', default: '24' },
    runs: { type: 'string', default: '7' },
    nodes: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '20' },
  },
});
const [hosts, runs, nodes, seconds] = [values.hosts, values.runs, values.nodes, values.seconds].map(Number) as [
  number,
  number,
  number,
  number,
];
const wants = (section: string): boolean => positionals.length === 0 || positionals.includes(section);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const tool = await buildTool('bench-operator');
try {
  for (const line of await describeMachine()) console.log(`- ${line}`);
  const goals: Goal[] = [];
  const add = (measured: readonly Goal[]): void => {
    for (const { what, figure, isMet } of measured) console.log(`${isMet ? 'met   ' : 'missed'}  ${what}: ${figure}`);
    goals.push(...measured);
  };
  if (wants('view')) add(await measureView({ nodes, say }));
  if (wants('look')) add(await measureLooks({ script: tool.script, hosts, runs, say }));
  if (wants('logs')) add(await measureLogs({ script: tool.script, hosts, linesPerSecond: 1000, seconds, say }));
  if (goals.some(({ isMet }) => !isMet)) process.exitCode = 1;
} finally {
  await tool.remove();
}
