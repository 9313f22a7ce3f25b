import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostAddress, hostDir, hostNames, keyFile, type LabSettings } from './layout.ts';
import { run } from './processes.ts';

/** The plain user of every host: may use sudo without a password, is not in group docker. */
export const plainUser = 'deploy';
/** Of `deploy` on every host, for trying `ansible_password`. */
export const plainUserPassword = 'deploy-of-the-lab';
const plainUserId = 1999;

/**
 * A new host's disk: its root file system, and what differs from the machine's /etc (an overlay's upper layer).
 * Resolves to the host's public key, as a known_hosts line wants it.
 */
export async function createDisk(lab: LabSettings, host: string): Promise<string> {
  const disk = hostDir(lab.name, host);
  const root = join(disk, 'root');
  const etc = join(disk, 'etc');
  for (const folder of ['usr', 'usr.work', 'etc.work', 'etc/ssh', 'etc/docker', 'etc/sudoers.d'])
    await mkdir(join(disk, folder), { recursive: true });
  for (const folder of ['usr', 'etc', 'proc', 'sys', 'dev', 'run', 'mnt', 'opt', 'srv', 'var/lib/docker', 'var/log'])
    await mkdir(join(root, folder), { recursive: true });
  await createTempFolders(root);

  const authorized = await readFile(`${keyFile(lab.name)}.pub`, 'utf8');
  await authorizeKey(join(root, 'root'), 0, authorized);
  await authorizeKey(join(root, 'home', plainUser), plainUserId, authorized);
  await writeUsers(etc);
  await writeSudoers(etc);
  await writeFile(join(etc, 'hostname'), `${host}\n`);
  await writeFile(join(etc, 'hosts'), hostsFile(lab));
  await writeFile(join(etc, 'docker', 'daemon.json'), '{}\n');
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

/** The machine's users and groups, and the plain user. */
async function writeUsers(etc: string): Promise<void> {
  const hash = (await run(['openssl', 'passwd', '-6', '-stdin'], { input: `${plainUserPassword}\n` })).trim();
  const entry = `${plainUser}:x:${plainUserId}:${plainUserId}:lab:/home/${plainUser}:/bin/sh`;
  await writeFile(join(etc, 'passwd'), await withLine('/etc/passwd', entry));
  await writeFile(join(etc, 'group'), await withLine('/etc/group', `${plainUser}:x:${plainUserId}:`));
  const shadow = await withLine('/etc/shadow', `${plainUser}:${hash}:20000:0:99999:7:::`);
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
