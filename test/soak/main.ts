import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { labSeries, labUsage, soakLab } from '../lab/soak/main.ts';
import { buildTool } from '../support/build.ts';
import { tidy } from '../support/tidy.ts';
import { series, soakSandbox, type SandboxSeries } from './sandbox.ts';

const usage = `Long series on sandbox fleets; they print their counts, and exit with 1 when something is not as it must be.
  npm run soak -- sandbox-chaos [--runs 300]   runs killed at a random moment, then run again under load
  npm run soak -- two-runs [--runs 50]         two runs started together: exactly one goes on
  npm run soak -- overlap [--runs 50]          the same where each run wants hosts that the other does not
  npm run soak -- stats [--runs 50] [--blind 3]   the balancer's page answers HTML, nothing, 500, half of it, another
                                               backend, for so many seconds
  npm run soak -- lies [--runs 50]             docker's answers are changed, late, or untrue in the middle of a run
  npm run soak -- reader [--runs 50]           whoever reads the output stops: a pipe that fills, a terminal on hold
  npm run soak -- disk [--runs 50]             the controller's disk is full or read-only (root)
  npm run soak -- disagree [--runs 50]         two balancers, of which one tells something else
  npm run soak -- hands [--runs 50]            hosts are changed by hand between an interrupted run and its resume
  npm run soak -- rewritten [--runs 50]        services, plays, the health container renamed; no balancer; scale 3, 1, 3
  npm run soak -- ctrl-c [--runs 50]           runs interrupted at a random moment: every node serves afterwards
      all of them: [--fleets 2] side by side, [--seed N] to repeat a series, [--hosts 5]
${labUsage}Ctrl-C removes what they have made.
`;

const [kind, ...args] = process.argv.slice(2);
const lab = labSeries.find((name) => name === kind);
if (args.includes('--help') || kind === '--help' || kind === '-h') process.stdout.write(usage);
else if (kind !== undefined && kind in series) await soak(kind as SandboxSeries);
else if (lab !== undefined) await soakLab(lab, args);
else {
  process.stderr.write(usage);
  process.exitCode = 2;
}

function soak(name: SandboxSeries): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      runs: { type: 'string', default: name === 'sandbox-chaos' ? '300' : '50' },
      fleets: { type: 'string', default: '2' },
      hosts: { type: 'string', default: '5' },
      blind: { type: 'string', default: '3' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    },
  });
  return tidy(async (atEnd) => {
    const cwd = await mkdtemp(join(tmpdir(), 'rollout-soak-'));
    atEnd(() => rm(cwd, { recursive: true, force: true }));
    const tool = await buildTool('soak');
    atEnd(() => tool.remove());
    const isRight = await soakSandbox(name, {
      script: tool.script,
      cwd,
      runs: Number(values.runs),
      fleets: Number(values.fleets),
      hosts: Number(values.hosts),
      seed: Number(values.seed),
      blindMs: Number(values.blind) * 1000,
      say: (line) => void process.stdout.write(`${line}\n`),
    });
    process.exitCode = isRight ? 0 : 1;
  });
}
