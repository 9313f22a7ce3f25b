import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildTool } from '../../support/build.ts';
import { tidy, type AtEnd } from '../../support/tidy.ts';
import type { Lab } from '../support/fleet.ts';
import { startLab } from '../support/lab.ts';
import { machineSystem, parseSystem, type HostSystem } from '../support/system.ts';
import { soakChaos } from './chaos.ts';
import { soakCrashLoops } from './crash-loops.ts';
import { faults } from './faults.ts';
import { soakRolling } from './rolling.ts';
import { soakSameRelease } from './verdict.ts';
import { soakServices } from './services.ts';

export const labUsage = `Long series on the lab; they print their counts, and exit with 1 when one of them is not as it must be.
  npm run soak -- rolling [--runs 20] [--hosts 6]   rolling updates in a row under load
  npm run soak -- same-release [--runs 50] [--hosts 6]   one release over a fleet that fails 1 %: none is sent back
  npm run soak -- services [--runs 200] [--seed N]   random services, changed in one random key: exactly that one differs
  npm run soak -- crash-loops [--updates 200] [--runs 50] [--hosts 4]
      updates, and then a version that crashes at start put back so often: no node may be left out of rotation
  npm run soak -- chaos [--runs 10] [--hosts 6] [--faults a,b] [--parallel 1] [--seed N]
      rolling updates under load, each struck by a fault; then the next run, which must put everything right;
      --parallel 2 does the same runs on two labs side by side, in half the time
      faults: ${Object.keys(faults).join(' ')}
      all of them: [--system bookworm|trixie|sid] [--init systemd] [--containerd-store], as npm run lab -- up
`;

export const labSeries = ['rolling', 'same-release', 'services', 'crash-loops', 'chaos'] as const;

export function soakLab(series: (typeof labSeries)[number], args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string' },
      hosts: { type: 'string', default: series === 'crash-loops' ? '4' : '6' },
      updates: { type: 'string', default: '200' },
      system: { type: 'string', default: machineSystem.release },
      init: { type: 'string', default: machineSystem.init },
      'containerd-store': { type: 'boolean', default: false },
      parallel: { type: 'string', default: '1' },
      faults: { type: 'string', default: Object.keys(faults).join(',') },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    },
  });
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  return tidy(async (atEnd) => {
    const cwd = await mkdtemp(join(tmpdir(), 'rollout-soak-'));
    atEnd(() => rm(cwd, { recursive: true, force: true }));
    const tool = await buildTool('soak');
    atEnd(() => tool.remove());
    const common = { script: tool.script, cwd, say };
    const { system: release, init, 'containerd-store': containerdStore } = values;
    const system = parseSystem({ system: release, init, containerdStore });
    if (series === 'services') {
      const [lab] = await startLabs(1, { hosts: 1, system }, atEnd, say);
      process.exitCode = (await soakServices(lab, { runs: Number(values.runs ?? 200), seed: Number(values.seed), say }))
        ? 0
        : 1;
      return;
    }
    const hosts = Number(values.hosts);
    const labs = await startLabs(series === 'chaos' ? Number(values.parallel) : 1, { hosts, system }, atEnd, say);
    if (series === 'crash-loops') {
      const counts = { updates: Number(values.updates), puttingBack: Number(values.runs ?? 50) };
      process.exitCode = (await soakCrashLoops(labs[0], { ...common, ...counts })) ? 0 : 1;
      return;
    }
    const isRight =
      series === 'chaos'
        ? await soakChaos(labs, {
            ...common,
            runs: Number(values.runs ?? 10),
            faults: values.faults.split(','),
            seed: Number(values.seed),
          })
        : series === 'same-release'
          ? await soakSameRelease(labs[0], { ...common, runs: Number(values.runs ?? 50) })
          : await soakRolling(labs[0], { ...common, runs: Number(values.runs ?? 20) });
    process.exitCode = isRight ? 0 : 1;
  });
}

/** One after the other: several that boot at once slow each other down for nothing. */
async function startLabs(
  count: number,
  kind: { readonly hosts: number; readonly system: HostSystem },
  atEnd: AtEnd,
  say: (line: string) => void,
): Promise<readonly [Lab, ...Lab[]]> {
  const start = (number: number): Promise<Lab> => {
    const booting = startLab({ name: `soak-${process.pid}-${number}`, ...kind, say });
    // Also one that is told to go while it boots.
    atEnd(async () => (await booting).close());
    return booting;
  };
  const labs: [Lab, ...Lab[]] = [await start(1)];
  while (labs.length < count) labs.push(await start(labs.length + 1));
  return labs;
}
