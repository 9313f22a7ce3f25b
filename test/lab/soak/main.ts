import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildTool } from '../../support/build.ts';
import { startLab } from '../support/lab.ts';
import { soakRolling } from './rolling.ts';

const usage = `Long series on the lab; they print their counts, and exit with 1 when one of them is not as it must be.
  npm run soak -- rolling [--runs 20] [--hosts 6]   rolling updates in a row under load
`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '20' }, hosts: { type: 'string', default: '6' } },
});
const [series] = positionals;
if (series !== 'rolling') {
  process.stderr.write(usage);
  process.exit(2);
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const tool = await buildTool('soak');
const lab = await startLab({ name: `soak-${process.pid}`, hosts: Number(values.hosts), say });
const cwd = await mkdtemp(join(tmpdir(), 'rollout-soak-'));
try {
  const isRight = await soakRolling(lab, { script: tool.script, cwd, runs: Number(values.runs), say });
  process.exitCode = isRight ? 0 : 1;
} finally {
  await lab.close();
  await tool.remove();
  await rm(cwd, { recursive: true, force: true });
}
