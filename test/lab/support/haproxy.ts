import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  balancerAddress,
  balancerDir,
  hostAddress,
  hostNames,
  lanNamespace,
  logFile,
  ports,
  type LabSettings,
} from './layout.ts';
import { parseServers } from './stats-csv.ts';
import { isErrno, lastLinesOf, pidsIn, run, startInNamespace } from './processes.ts';

export const adminSocket = (lab: LabSettings, balancer: number): string =>
  join(balancerDir(lab.name, balancer), 'admin.sock');
export const frontendUrl = (lab: LabSettings, balancer: number): string =>
  `http://${balancerAddress(lab.network, balancer)}`;
export const statsUrl = (lab: LabSettings, balancer: number): string =>
  `${frontendUrl(lab, balancer)}:${ports.stats}/stats`;

const configFile = (lab: LabSettings, balancer: number): string => join(balancerDir(lab.name, balancer), 'haproxy.cfg');
const pidFile = (lab: LabSettings, balancer: number): string => join(balancerDir(lab.name, balancer), 'haproxy.pid');

/** Starts one balancer, and resolves when it answers and has checked every server once. */
export async function startBalancer(lab: LabSettings, balancer: number): Promise<void> {
  if ((await masterOf(lab, balancer)) !== undefined) throw new Error(`haproxy ${balancer} already runs`);
  await mkdir(balancerDir(lab.name, balancer), { recursive: true });
  await rm(adminSocket(lab, balancer), { force: true });
  await writeFile(configFile(lab, balancer), haproxyConfig(lab, balancer));
  const log = logFile(lab.name, `haproxy-${balancer}`);
  const command = ['haproxy', '-W', '-f', configFile(lab, balancer), '-p', pidFile(lab, balancer)];
  const { hasExited } = await startInNamespace(lanNamespace(lab.name), command, log);
  await waitUntil(
    async () => await allChecked(lab, balancer),
    30_000,
    async () => await lastLinesOf(log),
    hasExited,
  );
}

/** New workers with the file as it now is; the old ones finish their sessions. Runtime state is forgotten, as in life. */
export async function reloadBalancer(lab: LabSettings, balancer: number): Promise<void> {
  await run(['haproxy', '-c', '-q', '-f', configFile(lab, balancer)]);
  const before = await workerPid(lab, balancer);
  process.kill(await requireMaster(lab, balancer), 'SIGUSR2');
  await waitUntil(
    async () => (await workerPid(lab, balancer)) !== before && (await allChecked(lab, balancer)),
    30_000,
    async () => await lastLinesOf(logFile(lab.name, `haproxy-${balancer}`)),
  );
}

/** Changes the configuration of a running balancer, from the lab's own, and reloads it. */
export async function configureBalancer(
  lab: LabSettings,
  balancer: number,
  change: (config: string) => string,
): Promise<void> {
  await writeFile(configFile(lab, balancer), change(haproxyConfig(lab, balancer)));
  await reloadBalancer(lab, balancer);
}

/** Stops one balancer at once, cutting what it serves. */
export async function stopBalancer(lab: LabSettings, balancer: number): Promise<void> {
  const master = await requireMaster(lab, balancer);
  process.kill(master, 'SIGTERM');
  await waitUntil(
    async () => !(await lanPids(lab)).includes(master),
    10_000,
    () => Promise.resolve(`pid ${master} is still there after SIGTERM`),
  );
}

export async function isBalancerRunning(lab: LabSettings, balancer: number): Promise<boolean> {
  return (await masterOf(lab, balancer)) !== undefined;
}

/** One command of HAProxy's runtime API; resolves to its answer. */
export async function askBalancer(socketPath: string, command: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const chunks: Buffer[] = [];
    socket.setTimeout(5000, () => socket.destroy(new Error(`${socketPath}: no answer to ${command} within 5 s`)));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('end', () => resolve(Buffer.concat(chunks).toString()));
    socket.end(`${command}\n`);
  });
}

/** The configuration as an operator would write it, for hosts whose health container answers on a port of its own. */
export function haproxyConfig(lab: LabSettings, balancer: number): string {
  const address = balancerAddress(lab.network, balancer);
  const { intervalMs, fall, rise } = lab.check;
  const servers = hostNames(lab).map(
    (host) => `  server ${host} ${hostAddress(lab.network, host)}:${ports.app} check port ${ports.health}`,
  );
  return `global
  # Well below what a limit of 20,000 open files allows.
  maxconn 4000
  stats socket ${adminSocket(lab, balancer)} mode 600 level admin expose-fd listeners
  stats timeout 1h
  hard-stop-after 60s

defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout queue 10s
  timeout http-request 10s
  timeout http-keep-alive 15s
  retries 3
  retry-on conn-failure
  option redispatch

frontend www
  bind ${address}:${ports.frontend}
  default_backend web

backend web
  balance roundrobin
  option httpchk GET /health
  http-check expect status 200
  default-server inter ${intervalMs}ms fall ${fall} rise ${rise}
${servers.join('\n')}

listen stats
  bind ${address}:${ports.stats}
  stats enable
  stats uri /stats
`;
}

async function allChecked(lab: LabSettings, balancer: number): Promise<boolean> {
  const csv = await askBalancer(adminSocket(lab, balancer), 'show stat').catch(() => '');
  const servers = parseServers(csv, 'web');
  // `INI` until the first check is done; a server counts as UP until then.
  return (
    servers.length === lab.hosts && servers.every((server) => !/^(\* )?(INI)?$/.test(server['check_status'] ?? ''))
  );
}

async function workerPid(lab: LabSettings, balancer: number): Promise<string | undefined> {
  const info = await askBalancer(adminSocket(lab, balancer), 'show info').catch(() => '');
  return /^Pid: (\d+)$/m.exec(info)?.[1];
}

async function requireMaster(lab: LabSettings, balancer: number): Promise<number> {
  const master = await masterOf(lab, balancer);
  if (master === undefined) throw new Error(`haproxy ${balancer} of lab ${lab.name} does not run`);
  return master;
}

/** The pid file's process, if it is one of this lab's: a reused pid is somebody else. */
async function masterOf(lab: LabSettings, balancer: number): Promise<number | undefined> {
  const text = await readFile(pidFile(lab, balancer), 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return '';
    throw error;
  });
  const pid = Number(text.split('\n')[0]);
  return (await lanPids(lab)).includes(pid) ? pid : undefined;
}

async function lanPids(lab: LabSettings): Promise<readonly number[]> {
  const lan = lanNamespace(lab.name);
  return (await pidsIn([lan])).get(lan) ?? [];
}

async function waitUntil(
  holds: () => Promise<boolean>,
  deadlineMs: number,
  explain: () => Promise<string>,
  hasExited = () => false,
): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!(await holds())) {
    if (hasExited()) throw new Error(`haproxy ended: ${await explain()}`);
    if (Date.now() > end) throw new Error(`haproxy is not ready after ${deadlineMs} ms: ${await explain()}`);
    await sleep(50);
  }
}
