import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { onFleet, type FleetOptions } from './fleet.ts';
import type { Goal } from './goal.ts';

const mostCores = 0.5;
const ticksPerSecond = 100;

/** `logs -f` of as many lines a second as are given, from all hosts together: what is lost, and what it costs. */
export function measureLogs({
  linesPerSecond,
  seconds,
  ...options
}: FleetOptions & { readonly linesPerSecond: number; readonly seconds: number }): Promise<readonly Goal[]> {
  // Each second's lines at once, as a busy program's; a few more, as the loop itself takes time.
  const perHost = Math.ceil((linesPerSecond / options.hosts) * 1.05);
  const loop = `i=0; while true; do n=0; while [ $n -lt ${perHost} ]; do i=$((i+1)); n=$((n+1)); echo "request $i served in 12 ms with status 200 for a client that is named here"; done; sleep 1; done`;
  const chatter = async (image: Promise<string>) => ({
    more: [
      {
        name: 'chatter',
        hosts: 'web',
        load_balancer: { type: 'none' },
        services: {
          chatter: {
            image: await image,
            entrypoint: ['/bin/sh', '-c', loop.replaceAll('$', '$$')],
            stop_grace_period: '1s',
          },
        },
      },
    ],
  });
  return onFleet(
    options,
    (lab) => chatter(lab.publish('shop/chatter', '1')),
    async ({ lab, playbook, rollout }) => {
      const { argv, env, cwd } = rollout('logs', '-f', playbook, 'chatter', '--tail', '0');
      const child = spawn(argv[0] ?? '', argv.slice(1), { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
      const numbers = new Map<string, number[]>(lab.hosts.map((host) => [host, []]));
      let lines = 0;
      createInterface({ input: child.stdout }).on('line', (line) => {
        const [, host = '', number = ''] = /^(h\d+) +chatter +\| request (\d+) /.exec(line) ?? [];
        numbers.get(host)?.push(Number(number));
        lines += 1;
      });
      while ([...numbers.values()].some((heard) => heard.length === 0)) await sleep(50);
      options.say(`all ${options.hosts} hosts are heard; ${seconds} s from here`);
      const [linesBefore, cpuBefore, startedMs] = [lines, await cpuSecondsOf(child.pid), performance.now()];
      await sleep(seconds * 1000);
      const [linesAfter, cpuAfter, endedMs] = [lines, await cpuSecondsOf(child.pid), performance.now()];
      child.kill('SIGINT');
      const exitCode = await ended;
      const lasted = (endedMs - startedMs) / 1000;
      const [rate, cores] = [(linesAfter - linesBefore) / lasted, (cpuAfter - cpuBefore) / lasted];
      const { lost, twice } = countLost([...numbers.values()]);
      return [
        {
          what: `logs -f on ${options.hosts} hosts loses nothing and shows nothing twice at ${linesPerSecond} lines a second in all`,
          figure: `${lost} lost, ${twice} twice of ${lines} lines, ${rate.toFixed(0)} lines a second for ${lasted.toFixed(0)} s, exit code ${exitCode ?? '?'}`,
          isMet: lost === 0 && twice === 0 && rate >= linesPerSecond && exitCode === 0,
        },
        {
          what: `logs -f at ${linesPerSecond} lines a second takes less than ${mostCores * 100} % of a core`,
          figure: `${(cores * 100).toFixed(1)} %`,
          isMet: cores < mostCores,
        },
      ];
    },
  );
}

/** Numbers that are missing between the first and the last of a host, and those that came again. */
function countLost(hosts: readonly (readonly number[])[]): { readonly lost: number; readonly twice: number } {
  let [lost, twice] = [0, 0];
  for (const numbers of hosts) {
    const different = new Set(numbers);
    lost += Math.max(...numbers) - Math.min(...numbers) + 1 - different.size;
    twice += numbers.length - different.size;
  }
  return { lost, twice };
}

/** User and system time of a process, in seconds. */
async function cpuSecondsOf(pid: number | undefined): Promise<number> {
  const stat = await readFile(`/proc/${pid ?? 0}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
