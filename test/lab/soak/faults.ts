import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../support/fleet.ts';
import type { RunningRollout } from '../../support/rollout.ts';
import { hostFaults } from './host-faults.ts';

/** Something that goes wrong in the middle of a run, and how it is mended. */
export interface Fault {
  readonly title: string;
  /** Which node it hits: the one that is being updated, another, or none at all. */
  readonly hits: 'updated' | 'other' | 'none';
  /** Readies a lab for it, before anything is deployed. */
  prepare?(lab: Lab): Promise<void>;
  /** Resolves when it has happened; what ends by itself later goes on in `ending`. */
  inject(lab: Lab, host: string, running: RunningRollout): Promise<Injected>;
  /** Takes away what is left of it when the run has ended. */
  takeAway(lab: Lab, host: string): Promise<void>;
}

export interface Injected {
  /** What goes on while the run does: a partition that heals, a daemon that starts again. */
  readonly ending: Promise<void>;
}

const partitionMs = 20_000;
const rebootMs = 5000;

const over: Injected = { ending: Promise.resolve() };
const nothing = (): Promise<void> => Promise.resolve();

/** By the name that `--faults` takes. */
export const faults: Readonly<Record<string, Fault>> = {
  controller: {
    title: 'SIGKILL of the controller',
    hits: 'none',
    inject: (_lab, _host, running) => {
      running.process.kill('SIGKILL');
      return Promise.resolve(over);
    },
    takeAway: nothing,
  },
  'power-updated': { title: 'power failure of the node being updated', hits: 'updated', ...powerFailure() },
  'power-other': { title: 'power failure of another node', hits: 'other', ...powerFailure() },
  reboot: {
    title: `the node being updated reboots (${rebootMs / 1000} s without power)`,
    hits: 'updated',
    inject: async (lab, host) => {
      await lab.hostDown(host);
      return { ending: sleep(rebootMs).then(() => lab.hostUp(host)) };
    },
    takeAway: nothing,
  },
  docker: { title: 'dockerd restarted on the node being updated', hits: 'updated', ...daemonRestart() },
  'docker-other': { title: 'dockerd restarted on another node', hits: 'other', ...daemonRestart() },
  partition: { title: 'partition of the node being updated, 20 s', hits: 'updated', ...partition() },
  'partition-other': { title: 'partition of another node, 20 s', hits: 'other', ...partition() },
  registry: {
    title: 'registry stopped',
    hits: 'none',
    inject: async (lab) => {
      await lab.stopRegistry();
      return over;
    },
    takeAway: (lab) => lab.startRegistry(),
  },
  haproxy: {
    title: 'HAProxy reloaded',
    hits: 'none',
    inject: async (lab) => {
      await lab.reloadBalancer();
      return over;
    },
    takeAway: nothing,
  },
  ...hostFaults,
};

function powerFailure(): Pick<Fault, 'inject' | 'takeAway'> {
  return {
    inject: async (lab, host) => {
      await lab.hostDown(host);
      return over;
    },
    takeAway: (lab, host) => lab.ensureOn(host),
  };
}

function daemonRestart(): Pick<Fault, 'inject' | 'takeAway'> {
  return {
    inject: (lab, host) => Promise.resolve({ ending: lab.stopDocker(host).then(() => lab.startDocker(host)) }),
    takeAway: nothing,
  };
}

function partition(): Pick<Fault, 'inject' | 'takeAway'> {
  return {
    inject: async (lab, host) => {
      await lab.partition(host);
      return { ending: sleep(partitionMs).then(() => lab.heal(host)) };
    },
    takeAway: nothing,
  };
}
