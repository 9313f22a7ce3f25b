import { createHash } from 'node:crypto';
import { chmod, chown, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostAddress, hostDir, hostNames, keyFile, type LabSettings } from './layout.ts';
import { containerdConfig, daemonJson, dockerService } from './dockerd-options.ts';
import { run } from './processes.ts';
import { rootOf } from './system.ts';

/** The plain user of every host: may use sudo without a password, is not in group docker. */
export const plainUser = 'deploy';
/** Of `deploy` on every host, for trying `ansible_password`. */
export const plainUserPassword = 'deploy-of-the-lab';
export const plainUserId = 1999;

/**
 * A new host's disk: its root file system, and what differs from the machine's /etc (an overlay's upper layer). A host with
 * a system of its own has all of it in one layer, over the root file system of its release.
 * Resolves to the host's public key, as a known_hosts line wants it.
 */
export async function createDisk(lab: LabSettings, host: string): Promise<string> {
  const { release } = lab.system;
  const disk = hostDir(lab.name, host);
  const root = join(disk, 'root');
  const etc = release === 'machine' ? join(disk, 'etc') : join(root, 'etc');
  const folders =
    release === 'machine' ? ['usr', 'usr.work', 'etc.work'] : ['merged', 'root.work', 'docker', 'containerd'];
  for (const folder of folders) await mkdir(join(disk, folder), { recursive: true });
  for (const folder of ['ssh', 'docker', 'sudoers.d']) await mkdir(join(etc, folder), { recursive: true });
  for (const folder of [
    'usr',
    'etc',
    'proc',
    'sys',
    'dev',
    'run',
    'mnt',
    'opt',
    'srv',
    'var/lib/docker',
    'var/lib/containerd',
    'var/log',
  ])
    await mkdir(join(root, folder), { recursive: true });
  await createTempFolders(root);

  const authorized = await readFile(`${keyFile(lab.name)}.pub`, 'utf8');
  await authorizeKey(join(root, 'root'), 0, authorized);
  await authorizeKey(join(root, 'home', plainUser), plainUserId, authorized);
  await writeUsers(etc, release === 'machine' ? '/etc' : join(rootOf(release), 'etc'));
  await writeSudoers(etc);
  await writeFile(join(etc, 'hostname'), `${host}\n`);
  await writeFile(join(etc, 'hosts'), hostsFile(lab));
  await writeFile(join(etc, 'machine-id'), `${machineId(lab, host)}\n`);
  await writeFile(join(etc, 'docker', 'daemon.json'), daemonJson(lab));
  if (lab.system.init === 'systemd') await writeUnits(lab, etc);
  await writeFile(join(etc, 'ssh', 'sshd_config'), sshdConfig);
  return await createHostKey(join(etc, 'ssh', 'lab_host_ed25519_key'), host);
}

async function createTempFolders(root: string): Promise<void> {
  for (const folder of ['tmp', 'var/tmp']) {
    await mkdir(join(root, folder), { recursive: true });
    await chmod(join(root, folder), 0o1777);
  }
}

async function authorizeKey(home: string, userId: number, key: string): Promise<void> {
  const ssh = join(home, '.ssh');
  await mkdir(ssh, { recursive: true });
  await writeFile(join(ssh, 'authorized_keys'), key, { mode: 0o600 });
  for (const path of [home, ssh]) await chmod(path, 0o700);
  for (const path of [home, ssh, join(ssh, 'authorized_keys')]) await chown(path, userId, userId);
}

/** Every machine has its own, and keeps it. */
const machineId = (lab: LabSettings, host: string): string =>
  createHash('sha256').update(`${lab.name} ${host}`).digest('hex').slice(0, 32);

async function writeUnits(lab: LabSettings, etc: string): Promise<void> {
  const units = join(etc, 'systemd', 'system');
  await mkdir(join(etc, 'containerd'), { recursive: true });
  await writeFile(join(etc, 'containerd', 'config.toml'), containerdConfig);
  await mkdir(join(units, 'docker.service.d'), { recursive: true });
  await writeFile(join(units, 'docker.service.d', 'lab.conf'), dockerService(lab));
  // The kernel's settings are the machine's.
  await symlink('/dev/null', join(units, 'systemd-sysctl.service'));
}

/** The system's users and groups, and the plain user. */
async function writeUsers(etc: string, systemEtc: string): Promise<void> {
  const hash = (await run(['openssl', 'passwd', '-6', '-stdin'], { input: `${plainUserPassword}\n` })).trim();
  const entry = `${plainUser}:x:${plainUserId}:${plainUserId}:lab:/home/${plainUser}:/bin/sh`;
  await writeFile(join(etc, 'passwd'), await withLine(join(systemEtc, 'passwd'), entry));
  await writeFile(join(etc, 'group'), await withLine(join(systemEtc, 'group'), `${plainUser}:x:${plainUserId}:`));
  const shadow = await withLine(join(systemEtc, 'shadow'), `${plainUser}:${hash}:20000:0:99999:7:::`);
  // Without PAM sshd takes a `!` as a locked account, for keys as well.
  await writeFile(join(etc, 'shadow'), shadow.replace(/^root:[^:]*:/m, 'root:*:'), { mode: 0o600 });
}

async function writeSudoers(etc: string): Promise<void> {
  await writeFile(join(etc, 'sudoers.d', 'rollout-lab'), `${plainUser} ALL=(ALL:ALL) NOPASSWD: ALL\n`, { mode: 0o440 });
}

async function withLine(file: string, line: string): Promise<string> {
  return `${(await readFile(file, 'utf8')).trimEnd()}\n${line}\n`;
}

function hostsFile(lab: LabSettings): string {
  const lines = hostNames(lab).map((host) => `${hostAddress(lab.network, host)} ${host}`);
  return ['127.0.0.1 localhost', ...lines, ''].join('\n');
}

/** Limits (MaxSessions, MaxStartups) are left at sshd's defaults, as an operator's hosts have them. */
const sshdConfig = `Port 22
HostKey /etc/ssh/lab_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication yes
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
X11Forwarding no
Subsystem sftp internal-sftp
`;

async function createHostKey(file: string, host: string): Promise<string> {
  await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', host, '-f', file]);
  const [type = '', key = ''] = (await readFile(`${file}.pub`, 'utf8')).split(' ');
  return `${type} ${key}`;
}
