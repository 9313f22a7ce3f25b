import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Lab } from '../../test/lab/support/fleet.ts';
import { startLab } from '../../test/lab/support/lab.ts';
import { cgroupName, hostAddress, keyFile, knownHostsFile } from '../../test/lab/support/layout.ts';
import { cleanEnvironment } from '../../test/lab/support/processes.ts';
import { writePlaybook, type PlaybookParts } from '../../test/support/playbooks.ts';
import { measure, type Command, type Measured } from '../measure.ts';

export interface FleetOptions {
  /** The built tool. */
  readonly script: string;
  readonly hosts: number;
  readonly say: (line: string) => void;
}

/** Hosts with a playbook rolled out on them, and what is started at their controller. */
export interface OperatorFleet {
  readonly lab: Lab;
  readonly playbook: string;
  /** Rollout with these words. */
  readonly rollout: (...args: readonly string[]) => Command;
  /** `ssh HOST COMMAND` to all hosts at once, with OpenSSH's own client. */
  readonly plainSsh: (command: string) => Command;
  readonly measure: (command: Command) => Promise<Measured>;
}

const everyoneAtOnce = { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' };
const commandTimeoutMs = 120_000;

export async function onFleet<T>(
  { script, hosts, say }: FleetOptions,
  parts: (lab: Lab) => Promise<Partial<PlaybookParts>>,
  work: (fleet: OperatorFleet) => Promise<T>,
): Promise<T> {
  const lab = await startLab({ name: `bench-op-${process.pid.toString(36)}`, hosts, say });
  const cwd = await mkdtemp(join(tmpdir(), 'rollout-bench-operator-'));
  try {
    const playbook = await writePlaybook(lab, {
      app: await lab.publish('shop/app', '1'),
      health: await lab.publish('shop/health', '1'),
      strategy: everyoneAtOnce,
      top: { registries: { [lab.registry]: { insecure: true } } },
      ...(await parts(lab)),
    });
    const { settings } = lab;
    const rollout = (...args: readonly string[]): Command => ({
      argv: [process.execPath, script, ...args],
      env: { ...cleanEnvironment, ROLLOUT_STATE_DIR: join(cwd, 'state') },
      cwd,
    });
    const options = `-o BatchMode=yes -o UserKnownHostsFile=${knownHostsFile(settings.name)} -i ${keyFile(settings.name)}`;
    const addresses = lab.hosts.map((host) => hostAddress(settings.network, host)).join(' ');
    const plainSsh = (command: string): Command => ({
      argv: ['bash', '-c', `for host in ${addresses}; do ssh ${options} root@$host ${command} & done; wait`],
      env: cleanEnvironment,
      cwd,
    });
    const groupName = `${cgroupName(settings.name)}/controller`;
    const fleet: OperatorFleet = {
      ...{ lab, playbook, rollout, plainSsh },
      measure: (command) => measure(command, { groupName, timeoutMs: commandTimeoutMs }),
    };
    say(`${hosts} hosts: first deployment`);
    const { exitCode, output } = await fleet.measure(rollout(playbook, '--output', 'plain'));
    if (exitCode !== 0) throw new Error(`the first deployment ended with ${exitCode}\n${output}`);
    return await work(fleet);
  } finally {
    await lab.close();
    await rm(cwd, { recursive: true, force: true });
  }
}
