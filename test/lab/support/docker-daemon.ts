import { setTimeout as sleep } from 'node:timers/promises';
import { runOnHost } from './host.ts';
import type { LabSettings } from './layout.ts';

/** The file that keeps boot.sh from starting the daemon again. */
const offFile = '/run/docker.off';
const pidFile = '/run/docker.pid';
const deadlineMs = 60_000;

const stopped = {
  simple: `touch ${offFile}; pid=$(cat ${pidFile} 2>/dev/null) || exit 0; kill "$pid"; while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done`,
  // The service ends without its containers; the daemon has stopped them by then, as with the other init.
  systemd: 'systemctl stop docker.socket docker.service',
} as const;
const started = { simple: `rm -f ${offFile}`, systemd: 'systemctl start docker.service' } as const;

/** Stops a host's docker daemon as an init system does, by SIGTERM; it stops its containers on its way out. */
export async function stopDocker(lab: LabSettings, host: string): Promise<void> {
  const argv = ['sh', '-c', stopped[lab.system.init]];
  const { exitCode, stderr } = await runOnHost(lab, host, argv, { timeoutMs: deadlineMs });
  if (exitCode !== 0) throw new Error(`${host}: the docker daemon could not be stopped: ${stderr.trim()}`);
}

/** Lets the daemon run again, and resolves when it answers; by then it has started what its restart policies say. */
export async function startDocker(lab: LabSettings, host: string): Promise<void> {
  await runOnHost(lab, host, ['sh', '-c', started[lab.system.init]], { timeoutMs: deadlineMs });
  const end = Date.now() + deadlineMs;
  while ((await runOnHost(lab, host, ['docker', 'version'])).exitCode !== 0) {
    if (Date.now() > end) throw new Error(`${host}: the docker daemon does not answer after ${deadlineMs} ms`);
    await sleep(100);
  }
}
