import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildTool } from '../support/build.ts';
import { series, soakSandbox, type SandboxSeries } from './sandbox.ts';

const usage = `Long series on sandbox fleets; they print their counts, and exit with 1 when something is not as it must be.
  npm run soak -- sandbox-chaos [--runs 300]   runs killed at a random moment, then run again under load
  npm run soak -- two-runs [--runs 50]         two runs started together: exactly one goes on
  npm run soak -- ctrl-c [--runs 50]           runs interrupted at a random moment: every node serves afterwards
      all of them: [--fleets 2] side by side, [--seed N] to repeat a series, [--hosts 5]
`;

/** Theirs is the lab's own main. */
const labSeries: ReadonlySet<string> = new Set(['rolling', 'chaos']);
const [kind] = process.argv.slice(2);
if (kind !== undefined && kind in series) await soak(kind as SandboxSeries);
else {
  if (kind === undefined || !labSeries.has(kind)) process.stderr.write(usage);
  await import('../lab/soak/main.ts');
}

async function soak(name: SandboxSeries): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      runs: { type: 'string', default: name === 'sandbox-chaos' ? '300' : '50' },
      fleets: { type: 'string', default: '2' },
      hosts: { type: 'string', default: '5' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    },
  });
  const tool = await buildTool('soak');
  const cwd = await mkdtemp(join(tmpdir(), 'rollout-soak-'));
  try {
    const isRight = await soakSandbox(name, {
      script: tool.script,
      cwd,
      runs: Number(values.runs),
      fleets: Number(values.fleets),
      hosts: Number(values.hosts),
      seed: Number(values.seed),
      say: (line) => void process.stdout.write(`${line}\n`),
    });
    process.exitCode = isRight ? 0 : 1;
  } finally {
    await tool.remove();
    await rm(cwd, { recursive: true, force: true });
  }
}
