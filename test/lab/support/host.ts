import { copyFile, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostAddress, hostCgroup, hostDir, hostNamespace, logFile, nameOption, type LabSettings } from './layout.ts';
import { layCable, removeSlowCable } from './latency.ts';
import { plugHost, setCable, unplugHost } from './network.ts';
import { dockerdOptions } from './dockerd-options.ts';
import {
  firstProcessIn,
  killAllIn,
  lastLinesOf,
  runToEnd,
  startInNamespace,
  type Finished,
  type RunOptions,
  type Started,
} from './processes.ts';
import { rootOf } from './system.ts';

const bootScript = join(import.meta.dirname, 'boot.sh');

/** Switches a host on: its network, its first process, and then until sshd and docker answer. */
export async function bootHost(lab: LabSettings, host: string): Promise<void> {
  await plugHost(lab, host);
  await layCable(lab, host);
  const log = logFile(lab.name, host);
  const unshare = ['unshare', ...['mount', 'uts', 'ipc', 'pid', 'fork', 'kill-child'].map((flag) => `--${flag}`)];
  const { release, init } = lab.system;
  const shared = release === 'machine' ? '' : rootOf(release);
  const place = [hostDir(lab.name, host), host, shared, init, hostCgroup(lab.name, host)];
  const boot = ['sh', bootScript, ...place, ...dockerdArguments(lab, host)];
  const firstProcess = await startInNamespace(
    hostNamespace(lab.name, host),
    [...unshare, '--propagation=private', ...boot],
    log,
  );
  await waitUntilReady(lab, host, firstProcess);
}

/** A power failure: every process at once, with no chance to say goodbye to anyone. The disk stays. */
export async function cutPower(lab: LabSettings, host: string): Promise<void> {
  // The cable first: a machine without power sends no reset.
  await setCable(lab, host, 'down');
  await removeRemains(lab, host);
}

/** What is left of a host that is off, or that broke off while it booted. */
export async function removeRemains(lab: LabSettings, host: string): Promise<void> {
  await killAllIn([hostNamespace(lab.name, host)]);
  await removeSlowCable(lab, host);
  await unplugHost(lab, host);
}

export async function isPoweredOn(lab: LabSettings, host: string): Promise<boolean> {
  return (await firstProcessIn(hostNamespace(lab.name, host))) !== undefined;
}

/** Runs a command on a host as root, past SSH. @throws Error when the host is off. */
export async function runOnHost(
  lab: LabSettings,
  host: string,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  return await runToEnd([...(await enterHost(lab, host)), ...argv], options);
}

/** Copies a file of the machine to a host that is on. */
export async function copyToHost(lab: LabSettings, host: string, file: string, target: string): Promise<void> {
  const pid = await firstProcessIn(hostNamespace(lab.name, host));
  if (pid === undefined) throw new Error(`${host} of lab ${lab.name} is off`);
  await copyFile(file, join(`/proc/${pid}/root`, target));
}

/** The words before a command that make it run inside a host. @throws Error when the host is off. */
export async function enterHost(lab: LabSettings, host: string): Promise<readonly string[]> {
  const pid = await firstProcessIn(hostNamespace(lab.name, host));
  if (pid === undefined)
    throw new Error(
      `${host} of lab ${lab.name} is off; npm run lab -- host-up ${host}${nameOption(lab.name)} starts it`,
    );
  return ['nsenter', '--target', String(pid), '--mount', '--uts', '--ipc', '--net', '--pid', '--wdns=/root', '--'];
}

/** For a dockerd without systemd. */
function dockerdArguments(lab: LabSettings, host: string): readonly string[] {
  return [
    '--host=unix:///run/docker.sock',
    '--exec-opt=native.cgroupdriver=cgroupfs',
    `--cgroup-parent=/${hostCgroup(lab.name, host)}`,
    ...dockerdOptions(lab),
  ];
}

async function waitUntilReady(lab: LabSettings, host: string, { hasExited }: Started): Promise<void> {
  const end = Date.now() + 180_000;
  let waitsFor: Awaiting = 'its first process';
  while (Date.now() < end && !hasExited()) {
    waitsFor = await awaiting(lab, host);
    if (waitsFor === 'nothing') return;
    await sleep(100);
  }
  const logs = [logFile(lab.name, host), ...['dockerd', 'sshd'].map((service) => logOnHost(lab, host, service))];
  const tails = await Promise.all(logs.map(async (log) => `${log}:\n${await lastLinesOf(log)}`));
  const what = hasExited() ? 'its first process ended' : `it still waits for ${waitsFor}`;
  const hint = lab.system.init === 'systemd' ? `\n${await inotifyHint()}` : '';
  throw new Error(`${host} did not boot: ${what}${hint}\n${tails.join('\n')}`);
}

/** systemd says why it gives up only on a console, and this is the first that many hosts on one machine run out of. */
async function inotifyHint(): Promise<string> {
  const most = (await readFile('/proc/sys/fs/inotify/max_user_instances', 'utf8')).trim();
  return `systemd needs about 8 inotify instances a host, and this machine has ${most} (fs.inotify.max_user_instances)`;
}

type Awaiting = 'its first process' | 'dockerd' | 'sshd' | 'nothing';

async function awaiting(lab: LabSettings, host: string): Promise<Awaiting> {
  const pid = await firstProcessIn(hostNamespace(lab.name, host));
  if (pid === undefined) return 'its first process';
  if (!(await dockerAnswers(`/proc/${pid}/root/run/docker.sock`))) return 'dockerd';
  return (await sshdGreets(hostAddress(lab.network, host))) ? 'nothing' : 'sshd';
}

/** As seen from the machine, whether or not the host is on. */
export const logOnHost = (lab: LabSettings, host: string, service: string): string =>
  join(hostDir(lab.name, host), 'root', 'var', 'log', `${service}.log`);

async function dockerAnswers(socketPath: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const ping = request({ socketPath, path: '/_ping', timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on('timeout', () => ping.destroy());
    ping.on('error', () => resolve(false));
    ping.end();
  });
}

async function sshdGreets(address: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host: address, port: 22, timeout: 2000 });
    const finish = (greeted: boolean): void => {
      socket.destroy();
      resolve(greeted);
    };
    socket.on('data', (chunk) => finish(chunk.toString().startsWith('SSH-2.0')));
    socket.on('timeout', () => finish(false));
    socket.on('error', () => finish(false));
    socket.on('close', () => finish(false));
  });
}
