import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { writePlaybook } from '../../test/support/playbooks.ts';
import { startSandboxChild } from '../../test/support/sandbox-child.ts';
import type { Goal } from './goal.ts';
import type { ViewCost } from './view-process.ts';

const mostShare = 0.05;
const everyoneAtOnce = { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' };
/** A rollout as they are: a canary, an eighth at a time, some time to look at each. */
const strategy = {
  canary: { hosts: 1, bake: '2s', bake_max: '2s', min_requests: 0 },
  max_unavailable: '12%',
  min_available: 1,
  min_healthy_time: '1s',
  healthy_deadline: '2m',
  progress_deadline: '10m',
};

/** What the live view takes of the controller's CPU, by V8's own profile of a whole run in a process of its own. */
export async function measureView({
  nodes,
  say,
}: {
  readonly nodes: number;
  readonly say: (line: string) => void;
}): Promise<readonly Goal[]> {
  const fleet = await startSandboxChild({ hosts: nodes });
  const cwd = await mkdtemp(join(tmpdir(), 'rollout-view-'));
  try {
    const health = await fleet.publish('shop/health', '1');
    const app = (version: string) => fleet.publish('shop/app', version, { APP_VERSION: version });
    say(`${nodes} nodes: first deployment`);
    await inProcess(cwd, await writePlaybook(fleet, { health, app: await app('1'), strategy: everyoneAtOnce }));
    say(`${nodes} nodes: the update that is measured`);
    const cost = await inProcess(cwd, await writePlaybook(fleet, { health, app: await app('2'), strategy }));
    const share = cost.viewMs / cost.cpuMs;
    const milliseconds = (ms: number): string => `${ms.toFixed(0)} ms`;
    return [
      {
        what: `the live view of ${nodes} nodes at 200 by 50 takes less than ${mostShare * 100} % of the controller's CPU`,
        figure: `${(share * 100).toFixed(1)} % (${milliseconds(cost.viewMs)} of ${milliseconds(cost.cpuMs)}, ${cost.draws} draws, ${cost.outputBytes} bytes, in a run of ${(cost.wallMs / 1000).toFixed(0)} s that ended as ${cost.outcome})`,
        isMet: share < mostShare && cost.outcome === 'changed' && cost.draws > 50,
      },
    ];
  } finally {
    await fleet.close();
    await rm(cwd, { recursive: true, force: true });
  }
}

async function inProcess(cwd: string, playbook: string): Promise<ViewCost> {
  const script = fileURLToPath(new URL('./view-process.ts', import.meta.url));
  const tsx = fileURLToPath(import.meta.resolve('tsx'));
  const child = spawn(process.execPath, ['--import', tsx, script, playbook], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = await text(child.stdout);
  return JSON.parse(said.trim().split('\n').at(-1) ?? '') as ViewCost;
}
