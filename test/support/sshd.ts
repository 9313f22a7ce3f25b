import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Users of the sshd below; `pass` and `other` have the password `s3cret`. */
const users = {
  deploy: 'deploy ALL=(ALL) NOPASSWD: ALL',
  pass: 'pass ALL=(ALL) ALL',
  other: undefined,
  noisy: undefined,
  bash: undefined,
  zsh: undefined,
  fish: undefined,
  tcsh: undefined,
  rbash: undefined,
  ash: undefined,
  nologin: undefined,
} as const;

/** Of those whose login shell is not /bin/sh. `noisy`'s prints at every login, as a `.bashrc` may. */
const shells: Readonly<Partial<Record<keyof typeof users, string>>> = {
  noisy: '/bin/bash',
  bash: '/bin/bash',
  zsh: '/usr/bin/zsh',
  fish: '/usr/bin/fish',
  tcsh: '/usr/bin/tcsh',
  rbash: '/bin/rbash',
  ash: 'ash',
  nologin: '/usr/sbin/nologin',
};

const bashrc = `[ "$USER" = noisy ] || return
echo 'Welcome to prod'
echo '15" screen'
echo '{}'
printf '[{"Id":"x"}]'
echo 'careful' >&2
`;

/** A real OpenSSH server on a loopback port. Its users, sudo rules and locks are its own: a mount namespace hides the machine's. */
export interface Sshd {
  readonly port: number;
  readonly dir: string;
  /** `[127.0.0.1]:PORT TYPE KEY` lines. */
  readonly knownHosts: string;
  readonly log: () => string;
  close(): Promise<void>;
}

/** Everything that the server needs, from Debian's packages where it is missing. */
export async function installSshd(): Promise<void> {
  const programs = {
    '/usr/sbin/sshd': 'openssh-server',
    '/usr/bin/ssh-agent': 'openssh-client',
    '/usr/bin/sudo': 'sudo',
  };
  const missing: string[] = [];
  for (const [path, name] of Object.entries(programs)) {
    await run('test', ['-x', path]).catch(() => missing.push(name));
  }
  if (missing.length > 0) await run('apt-get', ['install', '-y', '--no-install-recommends', ...missing]);
}

/** `settings` are lines of sshd_config, before the defaults. `publicKeys` may log in as every user. */
export async function startSshd(publicKeys: readonly string[], settings: readonly string[] = []): Promise<Sshd> {
  const dir = await mkdtemp(join(tmpdir(), 'rollout-sshd-'));
  await chmod(dir, 0o755);
  const port = await freePort();
  const hostKeys = await Promise.all(['ed25519', 'rsa'].map((type) => generateHostKey(dir, type)));
  await writeFile(join(dir, 'authorized_keys'), publicKeys.join('\n'), { mode: 0o644 });
  await writeFile(
    join(dir, 'sshd_config'),
    [
      ...settings,
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      ...hostKeys.map(({ path }) => `HostKey ${path}`),
      `AuthorizedKeysFile ${dir}/authorized_keys`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'KbdInteractiveAuthentication no',
      'UseDNS no',
      'PermitRootLogin yes',
    ].join('\n'),
  );
  await writeUsers(dir);
  const server = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-ec', hideMachine, 'sshd', dir], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  server.stderr.setEncoding('utf8').on('data', (chunk: string) => (log += chunk));
  await untilListening(port, server, () => log);
  return {
    port,
    dir,
    knownHosts: hostKeys.map(({ publicKey }) => `[127.0.0.1]:${port} ${publicKey}\n`).join(''),
    log: () => log,
    async close() {
      await end(server);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

const hideMachine = `
dir=$1
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir /run/sshd /run/lock /run/rollout
mount --bind "$dir/passwd" /etc/passwd
mount --bind "$dir/shadow" /etc/shadow
mount --bind "$dir/group" /etc/group
mount --bind "$dir/sudoers" /etc/sudoers
mount --bind "$dir/lock" /run/lock
mount --bind "$dir/own" /run/rollout
exec /usr/sbin/sshd -D -e -f "$dir/sshd_config"
`;

async function writeUsers(dir: string): Promise<void> {
  const { stdout: hash } = await run('openssl', ['passwd', '-6', 's3cret']);
  const names = Object.keys(users);
  const lines = (format: (name: string, id: number) => string): string =>
    names.map((name, index) => `${format(name, 3000 + index)}\n`).join('');
  const shellOf = (name: string): string => {
    const shell = shells[name as keyof typeof users] ?? '/bin/sh';
    return shell.startsWith('/') ? shell : join(dir, shell);
  };
  // busybox is the shell that it is called as.
  await symlink('/usr/bin/busybox', join(dir, 'ash'));
  await writeFile(join(dir, '.bashrc'), bashrc);
  await mkdir(join(dir, 'own'), { mode: 0o700 });
  await mkdir(join(dir, 'lock'));
  await chmod(join(dir, 'lock'), 0o1777);
  await writeFile(
    join(dir, 'passwd'),
    `root:x:0:0:root:${dir}:/bin/sh\nsshd:x:2999:65534::/run/sshd:/usr/sbin/nologin\n${lines((name, id) => `${name}:x:${id}:${id}::${dir}:${shellOf(name)}`)}`,
  );
  await writeFile(join(dir, 'shadow'), `root:*:19000::::::\n${lines((name) => `${name}:${hash.trim()}:19000::::::`)}`, {
    mode: 0o640,
  });
  await writeFile(join(dir, 'group'), `root:x:0:\nnogroup:x:65534:\n${lines((name, id) => `${name}:x:${id}:`)}`);
  const rules = Object.values(users).filter((rule) => rule !== undefined);
  await writeFile(join(dir, 'sudoers'), `Defaults env_reset\nroot ALL=(ALL) ALL\n${rules.join('\n')}\n`, {
    mode: 0o440,
  });
}

async function generateHostKey(dir: string, type: string): Promise<{ path: string; publicKey: string }> {
  const path = join(dir, `host_${type}`);
  await run('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', path]);
  const [keyType = '', key = ''] = (await readFile(`${path}.pub`, 'utf8')).split(' ');
  return { path, publicKey: `${keyType} ${key}` };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** sshd does not tell when it listens: ask until it does. */
async function untilListening(port: number, server: ChildProcess, log: () => string): Promise<void> {
  for (;;) {
    if (server.exitCode !== null) throw new Error(`sshd ended with ${server.exitCode}: ${log()}`);
    const socket = connect(port, '127.0.0.1');
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isOpen) return;
    await wait(20);
  }
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill('SIGTERM');
  await once(server, 'exit');
}
