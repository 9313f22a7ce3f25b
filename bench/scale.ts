// What the controller costs at 100, 1,000 and 5,000 hosts: `npm run bench:scale [-- HOSTS… [--write]]`, then Node's own
// options after another `--`. With --write the figures go to bench/SCALE.md.
import { writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { format, resolveConfig } from 'prettier';
import { changeStrategy, jobs, measureScale, type Cost, type Job } from './scale-measure.ts';

const given = process.argv.slice(2);
const end = given.indexOf('--');
const nodeOptions = end === -1 ? [] : given.slice(end + 1);
const args = end === -1 ? given : given.slice(0, end);
const sizes = args.filter((arg) => arg !== '--write').map(Number);
const fleets = sizes.length === 0 ? [100, 1000, 5000] : sizes;
const script = new URL('../dist/rollout.js', import.meta.url).pathname;

const seconds = (ms: number): string => (ms / 1000).toFixed(1);
const megabytes = (bytes: number): string => (bytes / 1024 ** 2).toFixed(0);

const costs = new Map<number, Map<Job, Cost>>();
for (const hosts of fleets) {
  const ofSize = new Map<Job, Cost>();
  costs.set(hosts, ofSize);
  await measureScale({ script, hosts, nodeOptions }, (cost) => {
    ofSize.set(cost.job, cost);
    const { job, wallMs, cpuMs, peakBytes, fleetCpuMs, outputBytes } = cost;
    console.log(
      `${hosts} hosts, ${job}: ${seconds(wallMs)} s, controller ${seconds(cpuMs)} s CPU and ${megabytes(peakBytes)} MB; ` +
        `fleet ${seconds(fleetCpuMs)} s CPU; ${outputBytes} bytes said`,
    );
  });
}
if (args.includes('--write')) {
  const file = new URL('SCALE.md', import.meta.url);
  await writeFile(file, await format(page(), { ...(await resolveConfig(file)), filepath: file.pathname }));
  console.log('bench/SCALE.md is written');
}

function page(): string {
  const rows = jobs.flatMap((job) => fleets.map((hosts) => rowOf(hosts, costs.get(hosts)?.get(job))));
  const table = [
    ['hosts', 'command', 'wall, s', 'controller CPU, s', 'CPU a host, ms', 'controller peak, MB', 'fleet CPU, s'],
    ['--:', '---', '--:', '--:', '--:', '--:', '--:'],
    ...rows,
  ];
  const [processor] = cpus();
  return `# Scale: what the controller costs

Written by \`${['npm run bench:scale --', ...given].join(' ')}\` on ${new Date().toISOString().slice(0, 10)}: Node ${process.version}, ${cpus().length} processors (${processor?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 1024 ** 3)} GiB.

The fleet is the sandbox, in one process of its own: as many SSH servers as hosts, docker engines with a tenth of docker's
delays, and one HAProxy page. The controller is another process, and the only one whose CPU and memory are meant. Both
share the machine, so wall times are those of the two together and say little of a real fleet. On a busy machine CPU
times grow as well, up to twice; how they grow with the number of hosts stays. The peak is mostly garbage that Node has
not collected yet: [docs/scale.md](../docs/scale.md) says what of it is live.

Two services a host, one of them with a probe. The change is rolled out with
\`${JSON.stringify(changeStrategy)}\`.

${table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}
`;
}

function rowOf(hosts: number, cost: Cost | undefined): readonly string[] {
  if (cost === undefined) return [];
  const { job, wallMs, cpuMs, peakBytes, fleetCpuMs } = cost;
  const ownCells = [seconds(cpuMs), (cpuMs / hosts).toFixed(1), megabytes(peakBytes)];
  return [hosts.toLocaleString('en'), job, seconds(wallMs), ...ownCells, seconds(fleetCpuMs)];
}
