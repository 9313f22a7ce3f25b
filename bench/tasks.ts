// Ten tasks that have nothing to do: round trips to 200 hosts of the sandbox, and the time on 8 hosts of a lab beside
// that of ansible-playbook. `npm run bench:tasks [-- --hosts 8] [--sandbox 200] [--rounds 3]`; Linux and root.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startLab } from '../test/lab/support/lab.ts';
import { installPrograms } from '../test/lab/support/packages.ts';
import { cleanEnvironment } from '../test/lab/support/processes.ts';
import { buildTool } from '../test/support/build.ts';
import { runRollout } from '../test/support/rollout.ts';
import { startSandboxChild } from '../test/support/sandbox-child.ts';
import { ansibleSettings } from './contestants.ts';
import { measure, type Command } from './measure.ts';
import { idleTasks, idlePlaybook, mostRoundTrips } from './idle-tasks.ts';
import { median } from './statistics.ts';

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '8' },
    sandbox: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const tool = await buildTool('bench');
const folder = await mkdtemp(join(tmpdir(), 'rollout-bench-tasks-'));
try {
  say(`load of the machine: ${loadavg()[0]?.toFixed(1) ?? '?'}`);
  await countRoundTrips(Number(values.sandbox));
  await race(Number(values.hosts), Number(values.rounds));
} finally {
  await rm(folder, { recursive: true, force: true });
  await tool.remove();
}

async function countRoundTrips(hosts: number): Promise<void> {
  const fleet = await startSandboxChild({ hosts, delayFactor: 0.1 });
  try {
    const file = join(folder, 'sandbox.yaml');
    await writeFile(file, idlePlaybook(fleet.inventoryFile));
    const settings = { script: tool.script, cwd: folder };
    const first = await runRollout(['run', file, '--output', 'json'], settings);
    if (first.exitCode !== 0) throw new Error(first.stderr || first.stdout.slice(-2000));
    const again = await runRollout(['run', file, '--output', 'json', '-vvv'], settings);
    const trips = mostRoundTrips(again.events);
    say(
      `${hosts} hosts in the sandbox, ${idleTasks.length} tasks with nothing to do: exit ${again.exitCode}, at most ${trips} round trips a host`,
    );
    if (again.exitCode !== 0 || trips > 3) process.exitCode = 1;
  } finally {
    await fleet.close();
  }
}

async function race(hosts: number, rounds: number): Promise<void> {
  await installPrograms([['ansible-playbook', 'ansible']], say);
  const lab = await startLab({ name: 'bench-tasks', hosts });
  try {
    const play = { hosts: 'web', gather_facts: false, tasks: idleTasks };
    await writeFile(join(folder, 'ansible.yml'), JSON.stringify([play]));
    await writeFile(join(folder, 'rollout.yaml'), idlePlaybook(lab.inventoryFile));
    const commands: Readonly<Record<'ansible' | 'rollout', Command>> = {
      ansible: {
        argv: ['ansible-playbook', '-i', lab.inventoryFile, join(folder, 'ansible.yml')],
        env: { ...cleanEnvironment, ...(await ansibleSettings(folder)) },
        cwd: folder,
      },
      rollout: {
        argv: [process.execPath, tool.script, 'run', join(folder, 'rollout.yaml')],
        env: { ...cleanEnvironment, ROLLOUT_STATE_DIR: join(folder, 'state') },
        cwd: folder,
      },
    };
    const times: Record<'ansible' | 'rollout', number[]> = { ansible: [], rollout: [] };
    // The first round makes what there is to make.
    for (let round = 0; round <= rounds; round++)
      for (const who of ['ansible', 'rollout'] as const) {
        const { wallMs, exitCode, output } = await measure(commands[who], {
          groupName: 'bench-tasks',
          timeoutMs: 600_000,
        });
        if (exitCode !== 0) throw new Error(`${who} ended with ${exitCode}\n${output}`);
        if (round > 0) times[who].push(wallMs / 1000);
      }
    const shown = (who: 'ansible' | 'rollout'): string => times[who].map((seconds) => seconds.toFixed(2)).join(' ');
    const ratio = median(times.ansible) / median(times.rollout);
    say(`${hosts} lab hosts, the same ${idleTasks.length} tasks with nothing to do, in seconds, in turns:`);
    say(`  ansible-playbook ${shown('ansible')}`);
    say(`  rollout          ${shown('rollout')}`);
    say(`  median: rollout is ${ratio.toFixed(1)} times as fast (goal: 10)`);
    if (ratio < 10) process.exitCode = 1;
  } finally {
    await lab.close();
  }
}
