import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostNames, lanNamespace, latencyFile, logFile, programFile, type LabSettings } from './layout.ts';
import { ip } from './network.ts';
import { isErrno, pidsIn, runToEnd, startInNamespace } from './processes.ts';

/**
 * Makes round trips between a host and everything else in the lab this much longer (between two hosts: twice that).
 * Hosts that boot later get the same; 0 takes it back. While it changes the hosts lose a few frames.
 */
export async function setLatency(lab: LabSettings, roundTripMs: number): Promise<void> {
  if (roundTripMs === (await readLatency(lab))) return;
  if (roundTripMs === 0) await rm(latencyFile(lab.name), { force: true });
  else await writeFile(latencyFile(lab.name), `${roundTripMs}\n`);
  await Promise.all(hostNames(lab).map((host) => removeSlowCable(lab, host)));
  await Promise.all(hostNames(lab).map((host) => layCable(lab, host)));
}

/** Gives a host's cable the lab's latency. A host that is off has no cable. */
export async function layCable(lab: LabSettings, host: string): Promise<void> {
  const roundTripMs = await readLatency(lab);
  const lan = lanNamespace(lab.name);
  const isThere = (await runToEnd(['ip', '-n', lan, 'link', 'show', host])).exitCode === 0;
  if (roundTripMs === 0 || !isThere) return;
  // bridge = HOST-port = HOST-cable = (delay) = HOST = the host's eth0
  await ip(lan, [
    // Not the bridge's any more, it would answer ARP requests for the bridge's addresses.
    `link set ${host} nomaster arp off`,
    `link add ${host}-port type veth peer name ${host}-cable`,
    `link set ${host}-cable arp off up`,
    `link set ${host}-port master br0 up`,
  ]);
  const delay = [programFile(lab.name, 'delay'), host, `${host}-cable`, String(Math.round(roundTripMs * 500))];
  await startInNamespace(lan, delay, logFile(lab.name, `delay-${host}`));
}

/** Gives a host its plain cable back; also one that is about to lose it. */
export async function removeSlowCable(lab: LabSettings, host: string): Promise<void> {
  const lan = lanNamespace(lab.name);
  for (const pid of await delaysOf(lab, host)) process.kill(pid, 'SIGKILL');
  const removed = await runToEnd(['ip', '-n', lan, 'link', 'del', `${host}-port`]);
  if (removed.exitCode === 0) await runToEnd(['ip', '-n', lan, 'link', 'set', host, 'master', 'br0', 'arp', 'on']);
}

async function readLatency(lab: LabSettings): Promise<number> {
  const text = await readFile(latencyFile(lab.name), 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return '0';
    throw error;
  });
  return Number(text);
}

/** Pids of the program that is a host's slow cable. */
async function delaysOf(lab: LabSettings, host: string): Promise<readonly number[]> {
  const lan = lanNamespace(lab.name);
  const pids = (await pidsIn([lan])).get(lan) ?? [];
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  const start = `${programFile(lab.name, 'delay')}\0${host}\0`;
  return pids.filter((_, index) => commands[index]?.startsWith(start));
}
