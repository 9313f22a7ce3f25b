import type { Fleet } from '../../support/fleet.ts';
import { startDocker, stopDocker } from './docker-daemon.ts';
import { adminSocket, askBalancer, frontendUrl, reloadBalancer, statsUrl } from './haproxy.ts';
import { bootHost, cutPower, isPoweredOn, removeRemains, runOnHost } from './host.ts';
import { keepOn } from './keep-on.ts';
import { publishImage } from './image.ts';
import { setLatency } from './latency.ts';
import {
  balancerNumbers,
  checkHost,
  hostNames,
  inventoryFile,
  labDir,
  nameOption,
  playbookFile,
  registryAddress,
  type LabSettings,
} from './layout.ts';
import { setCable } from './network.ts';
import type { Finished } from './processes.ts';
import { isRegistryRunning, startRegistry, stopRegistry } from './registry.ts';

/** A fleet of real hosts on this machine. */
export interface Lab extends Fleet {
  readonly kind: 'lab';
  readonly settings: LabSettings;
  readonly balancers: readonly LabBalancer[];
  /** The committed example playbook, fitted to this lab's network and number of hosts. */
  readonly playbookFile: string;
  /** Runs a command on a host as root, past SSH; a non-zero exit is a result. */
  exec(host: string, argv: readonly string[]): Promise<Finished>;
  /** Switches a host on if it is off. */
  ensureOn(host: string): Promise<void>;
  /**
   * Switches hosts on again when they have switched themselves off, as a machine does that reboots; those of `dead` stay
   * off. `stop()` ends that, and tells how often each has come back.
   */
  keepOn(dead?: readonly string[]): { stop(): Promise<Readonly<Record<string, number>>> };
  /** Stops a host's docker daemon, and with it its containers, as `systemctl stop docker` does. */
  stopDocker(host: string): Promise<void>;
  /** Starts it if it is off, and resolves when it answers. */
  startDocker(host: string): Promise<void>;
  /** Stops the registry; pushes and pulls fail from then on. */
  stopRegistry(): Promise<void>;
  /** Starts it if it is off. */
  startRegistry(): Promise<void>;
  /** Reloads the first balancer. */
  reloadBalancer(): Promise<void>;
  /** Makes round trips to the hosts this much longer; 0 takes it back. */
  setLatency(roundTripMs: number): Promise<void>;
}

export interface LabBalancer {
  /** From 1. */
  readonly number: number;
  readonly frontendUrl: string;
  readonly statsUrl: string;
  /** HAProxy's runtime API, at level admin. */
  readonly adminSocket: string;
}

/** The lab as tests drive it. */
export function fleetOf(lab: LabSettings, close: () => Promise<void>): Lab {
  const balancers = balancerNumbers(lab).map((number) => ({
    number,
    frontendUrl: frontendUrl(lab, number),
    statsUrl: statsUrl(lab, number),
    adminSocket: adminSocket(lab, number),
  }));
  /** @throws Error unless the host exists and is in the state that the action starts from. */
  const expectPower = async (host: string, power: 'on' | 'off'): Promise<void> => {
    checkHost(lab, host);
    if ((await isPoweredOn(lab, host)) === (power === 'on')) return;
    const verb = power === 'on' ? 'host-up' : 'host-down';
    const next = `npm run lab -- ${verb} ${host}${nameOption(lab.name)}`;
    throw new Error(`${host} of lab ${lab.name} is not ${power}; change that with: ${next}`);
  };
  return {
    kind: 'lab',
    settings: lab,
    balancers,
    hosts: hostNames(lab),
    dir: labDir(lab.name),
    inventoryFile: inventoryFile(lab.name),
    playbookFile: playbookFile(lab.name),
    registry: registryAddress(lab.network),
    frontendUrl: frontendUrl(lab, 1),
    statsUrl: statsUrl(lab, 1),
    publish: async (repository, tag, env, volumes) =>
      (await publishImage(lab, repository, tag, env, volumes === undefined ? {} : { volumes })).reference,
    docker: async (host, args) => {
      await expectPower(host, 'on');
      const { exitCode, stdout, stderr } = await runOnHost(lab, host, ['docker', ...args]);
      if (exitCode !== 0) throw new Error(`${host}: docker ${args.join(' ')}: exit ${exitCode}: ${stderr.trim()}`);
      return stdout;
    },
    exec: async (host, argv) => {
      await expectPower(host, 'on');
      return await runOnHost(lab, host, argv);
    },
    setWeight: async (host, weight) => {
      checkHost(lab, host);
      for (const balancer of balancerNumbers(lab)) {
        const answer = await askBalancer(adminSocket(lab, balancer), `set server web/${host} weight ${weight}`);
        if (answer.trim() !== '') throw new Error(`haproxy ${balancer}: ${answer.trim()}`);
      }
    },
    hostDown: async (host) => {
      await expectPower(host, 'on');
      await cutPower(lab, host);
    },
    hostUp: async (host) => {
      await expectPower(host, 'off');
      await removeRemains(lab, host);
      await bootHost(lab, host);
    },
    ensureOn: async (host) => {
      checkHost(lab, host);
      if (await isPoweredOn(lab, host)) return;
      await removeRemains(lab, host);
      await bootHost(lab, host);
    },
    keepOn: (dead = []) => keepOn(lab, dead),
    partition: async (host) => {
      await expectPower(host, 'on');
      await setCable(lab, host, 'down');
    },
    heal: async (host) => {
      await expectPower(host, 'on');
      await setCable(lab, host, 'up');
    },
    stopDocker: async (host) => {
      await expectPower(host, 'on');
      await stopDocker(lab, host);
    },
    startDocker: async (host) => {
      await expectPower(host, 'on');
      await startDocker(lab, host);
    },
    stopRegistry: () => stopRegistry(lab),
    startRegistry: async () => {
      if (!(await isRegistryRunning(lab))) await startRegistry(lab);
    },
    reloadBalancer: () => reloadBalancer(lab, 1),
    setLatency: (roundTripMs) => setLatency(lab, roundTripMs),
    close,
  };
}
