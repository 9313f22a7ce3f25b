import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildTool } from '../../support/build.ts';
import { startLab } from '../support/lab.ts';
import { soakChaos } from './chaos.ts';
import { faults } from './faults.ts';
import { soakRolling } from './rolling.ts';

const usage = `Long series on the lab; they print their counts, and exit with 1 when one of them is not as it must be.
  npm run soak -- rolling [--runs 20] [--hosts 6]   rolling updates in a row under load
  npm run soak -- chaos [--runs 10] [--hosts 6] [--faults a,b] [--seed N]
      rolling updates under load, each struck by a fault; then the next run, which must put everything right
      faults: ${Object.keys(faults).join(' ')}
`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string' },
    hosts: { type: 'string', default: '6' },
    faults: { type: 'string', default: Object.keys(faults).join(',') },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const [series] = positionals;
if (series !== 'rolling' && series !== 'chaos') {
  process.stderr.write(usage);
  process.exit(2);
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const tool = await buildTool('soak');
const lab = await startLab({ name: `soak-${process.pid}`, hosts: Number(values.hosts), say });
const cwd = await mkdtemp(join(tmpdir(), 'rollout-soak-'));
const common = { script: tool.script, cwd, say };
try {
  const isRight =
    series === 'rolling'
      ? await soakRolling(lab, { ...common, runs: Number(values.runs ?? 20) })
      : await soakChaos(lab, {
          ...common,
          runs: Number(values.runs ?? 10),
          faults: values.faults.split(','),
          seed: Number(values.seed),
        });
  process.exitCode = isRight ? 0 : 1;
} finally {
  await lab.close();
  await tool.remove();
  await rm(cwd, { recursive: true, force: true });
}
