import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { cleanEnvironment } from '../test/lab/support/processes.ts';
import { hostAddress, keyFile, knownHostsFile } from '../test/lab/support/layout.ts';
import type { Lab } from '../test/lab/support/fleet.ts';
import type { Command } from './measure.ts';

export const contestants = ['floor', 'ansible', 'rollout'] as const;
export type Contestant = (typeof contestants)[number];

/** What is to run when the command has ended. */
export interface Wanted {
  readonly healthVersion: string;
  readonly appVersion: string;
  /** Besides the canary, nodes out at once: a share of all, and the most that this means. */
  readonly maxUnavailable: string;
}

const peers = join(import.meta.dirname, 'peers');

/** The command line with which a contestant does the job; `folder` is its scratch folder, `script` the built tool. */
export async function commandOf(
  contestant: Contestant,
  lab: Lab,
  wanted: Wanted,
  {
    folder,
    script,
    flags = [],
  }: { readonly folder: string; readonly script: string; readonly flags?: readonly string[] },
): Promise<Command> {
  const vars = {
    registry: lab.registry,
    stats: lab.statsUrl,
    health_version: wanted.healthVersion,
    app_version: wanted.appVersion,
    max_unavailable: wanted.maxUnavailable,
  };
  const extraVars = Object.entries(vars).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const inventory = ['-i', lab.inventoryFile];
  switch (contestant) {
    case 'floor':
      return {
        argv: [join(peers, 'floor.sh')],
        env: { ...cleanEnvironment, ...floorSettings(lab, wanted) },
        cwd: folder,
      };
    case 'ansible':
      return {
        argv: ['ansible-playbook', ...inventory, ...extraVars, join(peers, 'ansible.yml')],
        env: { ...cleanEnvironment, ...(await ansibleSettings(folder)) },
        cwd: folder,
      };
    case 'rollout':
      return {
        argv: [process.execPath, script, join(peers, 'rollout.yaml'), ...inventory, ...extraVars, ...flags],
        // Other builds on the machine would replace what V8 has compiled of this one.
        env: {
          ...cleanEnvironment,
          ROLLOUT_STATE_DIR: join(folder, 'state'),
          XDG_CACHE_HOME: join(folder, 'cache'),
        },
        cwd: folder,
      };
  }
}

function floorSettings(lab: Lab, wanted: Wanted): Record<string, string> {
  const { settings, hosts } = lab;
  const share = /^(\d+)%$/.exec(wanted.maxUnavailable)?.[1];
  const count = share === undefined ? Number(wanted.maxUnavailable) : Math.floor((hosts.length * Number(share)) / 100);
  return {
    HOSTS: hosts.map((host) => `${host}=${hostAddress(settings.network, host)}`).join(' '),
    KEY: keyFile(settings.name),
    KNOWN_HOSTS: knownHostsFile(settings.name),
    REGISTRY: lab.registry,
    STATS: lab.statsUrl,
    HEALTH_VERSION: wanted.healthVersion,
    APP_VERSION: wanted.appVersion,
    MAX_UNAVAILABLE: String(Math.max(1, count)),
  };
}

/** Pipelining, 50 forks, connections that are kept: what a user does who cares for speed. */
export async function ansibleSettings(folder: string): Promise<Record<string, string>> {
  return {
    ANSIBLE_HOME: join(folder, 'ansible'),
    ANSIBLE_PIPELINING: '1',
    ANSIBLE_FORKS: '50',
    ANSIBLE_SSH_ARGS: '-o ControlMaster=auto -o ControlPersist=60s',
    // Connections are kept for the length of a run; the next one begins without, as the others do.
    ANSIBLE_SSH_CONTROL_PATH_DIR: await mkdtemp(join(folder, 'c')),
    ANSIBLE_PYTHON_INTERPRETER: '/usr/bin/python3',
    ANSIBLE_NOCOLOR: '1',
  };
}
