import { median } from '../statistics.ts';
import { onFleet, type FleetOptions } from './fleet.ts';
import type { Goal } from './goal.ts';

const mostTimesPlain = 1.2;

/** `status` and `doctor` against plain parallel `ssh HOST docker ps`, in turns. */
export function measureLooks({ runs, ...options }: FleetOptions & { readonly runs: number }): Promise<readonly Goal[]> {
  return onFleet(
    options,
    () => Promise.resolve({}),
    async ({ playbook, rollout, plainSsh, measure }) => {
      const commands = {
        ssh: plainSsh('docker ps'),
        status: rollout('status', playbook),
        doctor: rollout('doctor', playbook),
      };
      const names = Object.keys(commands) as (keyof typeof commands)[];
      const wallMs = { ssh: [] as number[], status: [] as number[], doctor: [] as number[] };
      const cpuMs = { ssh: [] as number[], status: [] as number[], doctor: [] as number[] };
      for (let round = 0; round <= runs; round++) {
        // Each begins a round as often as the others: what the machine does beside it hits all alike.
        for (const name of [...names.slice(round % 3), ...names.slice(0, round % 3)]) {
          const measured = await measure(commands[name]);
          if (measured.exitCode !== 0) throw new Error(`${name} ended with ${measured.exitCode}\n${measured.output}`);
          // The first one warms every cache.
          if (round === 0) continue;
          wallMs[name].push(measured.wallMs);
          cpuMs[name].push(measured.cpuMs);
        }
        options.say(`round ${round} of ${runs}`);
      }
      const seconds = (values: readonly number[]): string => `${(median(values) / 1000).toFixed(2)} s`;
      return (['status', 'doctor'] as const).map((name) => {
        const ratio = median(wallMs[name]) / median(wallMs.ssh);
        return {
          what: `${name} on ${options.hosts} hosts takes at most ${mostTimesPlain} times a plain parallel ssh HOST docker ps`,
          figure: `${ratio.toFixed(2)} times (${seconds(wallMs[name])} against ${seconds(wallMs.ssh)}, medians of ${runs}; CPU of the controller ${seconds(cpuMs[name])} against ${seconds(cpuMs.ssh)})`,
          isMet: ratio <= mostTimesPlain,
        };
      });
    },
  );
}
