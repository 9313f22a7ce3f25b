import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../support/fleet.ts';
import type { Fault } from './faults.ts';

const forAWhileMs = 20_000;
const dockerDisk = '/var/lib/docker';

/** Processes that stand still, packets that go one way only, disks without room: on the node that is being updated. */
export const hostFaults: Readonly<Record<string, Fault>> = {
  'frozen-dockerd': frozen('dockerd', 'for 20 s', forAWhileMs),
  'frozen-containerd': frozen('containerd', 'for 20 s', forAWhileMs),
  'frozen-sshd': frozen('sshd', 'for 20 s', forAWhileMs),
  'frozen-dockerd-on': frozen('dockerd', 'until the run has ended'),
  'frozen-containerd-on': frozen('containerd', 'until the run has ended'),
  'frozen-sshd-on': frozen('sshd', 'until the run has ended'),
  'drop-in': dropped('everything that comes in', ['PREROUTING', '-i', 'eth0']),
  'drop-out': dropped('everything that goes out', ['POSTROUTING', '-o', 'eth0']),
  'drop-ssh-in': dropped('what comes in for sshd', ['PREROUTING', '-i', 'eth0', '-p', 'tcp', '--dport', '22']),
  'drop-ssh-out': dropped('what sshd sends', ['POSTROUTING', '-o', 'eth0', '-p', 'tcp', '--sport', '22']),
  'disk-docker': filled("docker's disk", dockerDisk, '160m'),
  'disk-run': filled('/run', '/run', '16m'),
};

/** SIGSTOP: the process is there, its sockets take connections, and nothing is answered. */
function frozen(program: 'dockerd' | 'containerd' | 'sshd', howLong: string, forMs?: number): Fault {
  // By exact names, and in the host's own pid namespace.
  const signal = (lab: Lab, host: string, name: 'STOP' | 'CONT'): Promise<void> =>
    onHost(lab, host, `pids=$(pidof ${program}) || exit 0; kill -${name} $pids`);
  return {
    title: `SIGSTOP of ${program} ${howLong}`,
    hits: 'updated',
    inject: async (lab, host) => {
      await signal(lab, host, 'STOP');
      return { ending: forMs === undefined ? Promise.resolve() : sleep(forMs).then(() => signal(lab, host, 'CONT')) };
    },
    takeAway: async (lab, host) => {
      await signal(lab, host, 'CONT');
      await lab.startDocker(host);
    },
  };
}

function dropped(what: string, rule: readonly string[]): Fault {
  const change = (lab: Lab, host: string, action: '-I' | '-D'): Promise<void> =>
    onHost(lab, host, `iptables -t mangle ${action} ${rule.join(' ')} -j DROP`);
  return {
    title: `DROP of ${what}, 20 s`,
    hits: 'updated',
    inject: async (lab, host) => {
      await change(lab, host, '-I');
      return { ending: sleep(forAWhileMs).then(() => change(lab, host, '-D')) };
    },
    takeAway: () => Promise.resolve(),
  };
}

/** No byte is left until the run has ended. */
function filled(what: string, folder: string, size: string): Fault {
  const file = `${folder}/filled-by-a-fault`;
  return {
    title: `${what} is full`,
    hits: 'updated',
    prepare: async (lab) => {
      for (const host of lab.hosts)
        if (folder === dockerDisk) await smallDockerDisk(lab, host, size);
        else await onHost(lab, host, `mount -o remount,size=${size} ${folder}`);
    },
    inject: async (lab, host) => {
      await onHost(
        lab,
        host,
        `for block in 64k 1; do dd if=/dev/zero of=${file}.$block bs=$block 2>/dev/null; done; true`,
      );
      return { ending: Promise.resolve() };
    },
    takeAway: (lab, host) => onHost(lab, host, `rm -f ${file}.*`),
  };
}

async function smallDockerDisk(lab: Lab, host: string, size: string): Promise<void> {
  await lab.stopDocker(host);
  await onHost(lab, host, `mount -t tmpfs -o size=${size} tmpfs ${dockerDisk}`);
  await lab.startDocker(host);
}

async function onHost(lab: Lab, host: string, script: string): Promise<void> {
  const { exitCode, stderr } = await lab.exec(host, ['sh', '-c', script]);
  if (exitCode !== 0) throw new Error(`${host}: ${script}: ${stderr}`);
}
