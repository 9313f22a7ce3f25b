import type { Event } from '../../../src/events/event.ts';
import { containersOn } from '../../support/containers.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout } from '../../support/rollout.ts';
import { serversUp } from '../support/by-hand.ts';
import type { Lab } from '../support/fleet.ts';

export interface CrashLoopOptions {
  readonly script: string;
  readonly cwd: string;
  /** How many updates of a node. */
  readonly updates: number;
  /** How many nodes are put back from a version that crashes over and over. */
  readonly puttingBack: number;
  readonly say: (line: string) => void;
}

export interface CrashLoopCounts {
  readonly updated: number;
  readonly restored: number;
  /** What is not as it must be, a line each. */
  readonly wrong: readonly string[];
}

/** Two nodes at a time, so that their containers crash beside each other. */
const strategy = { canary: { hosts: 0 }, max_unavailable: 2, min_available: 1, min_healthy_time: '0s' };

/**
 * Updates every node in turn, and then lets a version that crashes at start be put back, again and again. Afterwards each
 * node must be in rotation, with app and health running under the restart policy that they are to have.
 */
export async function crashLoops(lab: Lab, options: CrashLoopOptions): Promise<CrashLoopCounts> {
  const { say } = options;
  const health = await lab.publish('shop/health', '1');
  const playbookFor = async (version: string, env: Readonly<Record<string, string>> = {}): Promise<string> => {
    const app = await lab.publish('shop/app', version, { APP_VERSION: version, ...env });
    return writePlaybook(lab, { health, app, strategy });
  };
  const wrong: string[] = [];
  let updated = 0;
  let restored = 0;
  /** A run, and whether every node is in rotation after it. */
  const run = async (title: string, playbook: string, exitCode: number): Promise<readonly Event[]> => {
    const result = await runRollout([playbook, '--output', 'json'], options);
    const left = await leftOut(lab);
    if (result.exitCode !== exitCode) wrong.push(`${title}: exit ${result.exitCode ?? 'none'}: ${result.stderr}`);
    for (const line of left) wrong.push(`${title}: ${line}`);
    return result.events;
  };

  await run('first deployment', await playbookFor('0'), 0);
  for (let version = 1; updated < options.updates && wrong.length < 10; version += 1) {
    const events = await run(`update to ${version}`, await playbookFor(String(version)), 0);
    updated += events.filter((event) => event.type === 'node_done' && event.result === 'updated').length;
    if (version % 10 === 0) say(`  ${updated} updates, ${wrong.length} wrong`);
  }
  const crashing = await playbookFor('crashes', { APP_FAULT: 'crash' });
  for (let round = 1; restored < options.puttingBack && wrong.length < 10; round += 1) {
    const events = await run(`putting back ${round}`, crashing, 5);
    restored += events.filter((event) => event.type === 'node_restored' && event.serving).length;
    if (round % 5 === 0) say(`  ${restored} put back, ${wrong.length} wrong`);
  }
  return { updated, restored, wrong };
}

/** Nodes that do not serve, or would not serve after a reboot. */
async function leftOut(lab: Lab): Promise<readonly string[]> {
  const up = new Set<string>();
  // A run ends when the balancer serves a node again: what it shows a moment later is the same.
  for (const server of await serversUp(lab)) up.add(server);
  const states = await Promise.all(
    lab.hosts.map(async (host) => {
      const lines = await containersOn(lab, host);
      const found = lines.map((line) => line.split(' ').slice(0, 3).join(' '));
      const isRight = ['app running always', 'health running always'].every((line) => found.includes(line));
      return isRight && up.has(host) ? [] : [`${host} is ${up.has(host) ? '' : 'NOT UP, '}${found.join(', ')}`];
    }),
  );
  return states.flat();
}

export async function soakCrashLoops(lab: Lab, options: CrashLoopOptions): Promise<boolean> {
  const { updated, restored, wrong } = await crashLoops(lab, options);
  for (const line of wrong) options.say(`wrong: ${line}`);
  options.say(`${updated} updates, ${restored} put back from a version that crashes, ${wrong.length} wrong`);
  return wrong.length === 0;
}
