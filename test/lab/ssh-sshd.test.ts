import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Become } from '../../src/model/host.ts';
import { Secret } from '../../src/model/secret.ts';
import { acquireLock, LockedError } from '../../src/ssh/lock.ts';
import type { Remote } from '../../src/ssh/remote.ts';
import { assertForwarding } from '../../src/engine/probe.ts';
import { installShells } from '../support/login-shells.ts';
import { service } from '../support/services.ts';
import { SshHome, systemClock } from '../support/ssh-client.ts';
import { generateKey } from '../support/ssh-server.ts';
import { installSshd, startSshd, type Sshd } from '../support/sshd.ts';

const run = promisify(execFile);
const key = generateKey();
const isPossible = process.platform === 'linux' && process.getuid?.() === 0;
let sshd: Sshd;
let home: SshHome;
let privateKeyFile: string;

describe.skipIf(!isPossible)('a real sshd', () => {
  beforeAll(async () => {
    await installSshd();
    installShells();
    sshd = await startSshd([key.public]);
  });
  afterAll(() => sshd.close());
  beforeEach(async () => {
    home = await SshHome.create();
    privateKeyFile = await home.write('key', key.private);
    await home.write('known_hosts', sshd.knownHosts);
  });
  afterEach(() => home.close());

  const connect = (user = 'deploy', settings: Parameters<SshHome['host']>[2] = {}, server = sshd): Promise<Remote> =>
    home.connector().connect(home.host('h1', server.port, { user, privateKeyFile, ...settings }));

  test('runs commands exactly as they were meant', async () => {
    const remote = await connect();
    const words = ["it's", '$HOME `id`', 'a\nb', '', '*', 'grüße 🚢', '\\', '!x', '~'];
    expect(await remote.exec(['printf', '%s|', ...words])).toMatchObject({
      exitCode: 0,
      stdout: `${words.join('|')}|`,
    });
    const bytes = 'x'.repeat(3 << 20);
    expect((await remote.exec(['wc', '-c'], { stdin: bytes })).stdout.trim()).toBe(String(bytes.length));
    expect((await remote.exec(['head', '-c', '3000000', '/dev/zero'])).stdout).toHaveLength(3_000_000);
    expect(await remote.exec(['sh', '-c', 'kill -9 $$'])).toMatchObject({ exitCode: 137 });
  });

  test.each(['bash', 'zsh', 'fish', 'tcsh', 'rbash', 'ash', 'noisy'])(
    'runs commands exactly as they were meant for a user whose login shell is %s',
    async (user) => {
      const remote = await connect(user);
      const words = [
        "it's",
        '$HOME `id`',
        'a\\\\b',
        'a\nb\n',
        '',
        '*',
        'grüße 🚢',
        '\\',
        '!x !!',
        '~',
        '-n',
        'x'.repeat(50_000),
      ];
      const print = 'printf "%s|" "$@"; echo words >&2; exit 9';
      const {
        durationMs: _durationMs,
        noise = '',
        ...result
      } = await remote.exec(['sh', '-c', print, 'print', ...words], {
        timeoutMs: 20_000,
      });
      expect(result).toEqual({ exitCode: 9, stdout: `${words.join('|')}|`, stderr: 'words\n' });
      // What fish complains of depends on its version.
      if (user !== 'fish') expect(noise !== '').toBe(user === 'noisy');
      const held = await acquireLock(remote, { run: user, user, controller: 'laptop', since: 0 }, 20_000, systemClock, {
        report: ['echo', 'a report'],
      });
      expect(await held.takeReport()).toEqual({ exitCode: 0, stdout: 'a report\n' });
      await held.release();
    },
  );

  test('is refused by name where the login shell runs no commands', async () => {
    const remote = await connect('nologin');
    await expect(remote.exec(['true'])).rejects.toMatchObject({
      kind: 'channel_refused',
      message: `127.0.0.1 port ${sshd.port} does not run commands: it printed "This account is currently not available." instead, and ended with exit code 1.`,
      hint: expect.stringContaining('getent passwd nologin') as string,
    });
  });

  test.each([
    [
      'a sentence',
      'command="echo Down for maintenance"',
      'printed "Down for maintenance" instead, and ended with exit code 0.',
    ],
    ['JSON', 'command="echo {}"', 'printed "{}" instead, and ended with exit code 0.'],
    ['nothing', 'command="exit 3"', 'printed nothing instead, and ended with exit code 3.'],
  ])('whose forced command prints %s has run nothing', async (_, forced, words) => {
    const server = await startSshd([`${forced} ${key.public}`]);
    try {
      await home.write('known_hosts', server.knownHosts);
      const remote = await connect('deploy', {}, server);
      await expect(remote.exec(['true'])).rejects.toMatchObject({
        kind: 'channel_refused',
        message: `127.0.0.1 port ${server.port} does not run commands: it ${words}`,
        hint: expect.stringContaining('ForceCommand') as string,
      });
    } finally {
      await server.close();
    }
  });

  test.each([
    ['AllowTcpForwarding no', ['AllowTcpForwarding no']],
    ['DisableForwarding yes', ['DisableForwarding yes']],
    ['PermitOpen of another port', ['PermitOpen 127.0.0.1:9']],
    ['AllowTcpForwarding remote', ['AllowTcpForwarding remote']],
  ])('with %s says so before anything waits for a probe', async (_, settings) => {
    const server = await startSshd([key.public], settings);
    try {
      await home.write('known_hosts', server.knownHosts);
      const remote = await connect('deploy', {}, server);
      const probed = service({ image: 'a:1', probe: { tcp: { port: 8080 } } });
      await expect(assertForwarding([probed], remote)).rejects.toMatchObject({
        kind: 'forwarding_refused',
        message: `127.0.0.1 port ${server.port} does not allow TCP forwarding to 127.0.0.1 port 8080.`,
        hint: expect.stringContaining('AllowTcpForwarding') as string,
      });
      await assertForwarding([service({ image: 'a:1', probe: { command: ['true'] } })], remote);
      await home.write('known_hosts', server.knownHosts + sshd.knownHosts);
      await expect(connect('deploy', { proxyJump: [`deploy@127.0.0.1:${server.port}`] })).rejects.toMatchObject({
        kind: 'forwarding_refused',
        message: `127.0.0.1 port ${sshd.port} cannot be reached through jump host 127.0.0.1 port ${server.port}: TCP forwarding is not allowed there.`,
        hint: expect.stringContaining(
          "AllowTcpForwarding yes (or local), and no PermitOpen against it, in the jump host's sshd_config",
        ) as string,
      });
      // As the host of a via.
      await expect(remote.openTcp(8404, '10.0.0.9')).rejects.toMatchObject({
        kind: 'forwarding_refused',
        message: `127.0.0.1 port ${server.port} does not allow TCP forwarding to 10.0.0.9 port 8404.`,
      });
    } finally {
      await server.close();
    }
  });

  test('that forwards lets probes through, whether or not something answers yet', async () => {
    await assertForwarding([service({ image: 'a:1', probe: { tcp: { port: 9 } } })], await connect());
  });

  test('with MaxSessions 1 says what a run needs', async () => {
    const server = await startSshd([key.public], ['MaxSessions 1']);
    try {
      await home.write('known_hosts', server.knownHosts);
      const remote = await connect('deploy', {}, server);
      const held = await acquireLock(remote, { run: 'r', user: 'u', controller: 'c', since: 0 }, 0, systemClock);
      await expect(remote.exec(['true'])).rejects.toMatchObject({
        kind: 'channel_refused',
        hint: expect.stringContaining('MaxSessions 10') as string,
      });
      await held.release();
    } finally {
      await server.close();
    }
  });

  test('ends a command on the host when its deadline passes, also behind sudo', async () => {
    const remotes = [await connect(), await connect('deploy', { become: { method: 'sudo', user: 'root' } })];
    for (const [index, remote] of remotes.entries()) {
      const marker = `86400.${sshd.port}${index}`;
      await expect(remote.exec(['sleep', marker], { timeoutMs: 1900 })).rejects.toMatchObject({
        kind: 'timeout',
        message: `sleep ${marker} did not end within 1.9 s.`,
      });
      expect(await processesWith(marker)).toEqual([]);
    }
  });

  test('that allows fewer sessions still runs every command once', async () => {
    const small = await startSshd([key.public], ['MaxSessions 3']);
    try {
      await home.write('known_hosts', small.knownHosts);
      const remote = await connect('deploy', {}, small);
      const numbers = Array.from({ length: 30 }, (_, index) => String(index));
      const results = await Promise.all(numbers.map((number) => remote.exec(['echo', number])));
      expect(results.map(({ stdout }) => stdout.trim())).toEqual(numbers);
    } finally {
      await home.close();
      await small.close();
    }
  });

  test('that drops handshakes (MaxStartups) is connected to all the same', async () => {
    const busy = await startSshd([key.public], ['MaxStartups 4:60:6']);
    try {
      await home.write('known_hosts', busy.knownHosts);
      const connector = home.connector({ random: Math.random });
      const hosts = Array.from({ length: 16 }, (_, index) =>
        home.host(`h${index}`, busy.port, { user: 'deploy', privateKeyFile }),
      );
      const remotes = await Promise.all(hosts.map((host) => connector.connect(host)));
      expect(remotes.map(({ host }) => host)).toEqual(hosts.map(({ name }) => name));
    } finally {
      await home.close();
      await busy.close();
    }
  });

  test('is reached through itself as a jump host', async () => {
    const remote = await connect('deploy', { proxyJump: [`other@127.0.0.1:${sshd.port}`] });
    expect((await remote.exec(['id', '-un'])).stdout).toBe('deploy\n');
    const banner = await remote.openTcp(sshd.port);
    const [chunk] = (await once(banner, 'data')) as [Buffer];
    expect(chunk.toString()).toMatch(/^SSH-2\.0-OpenSSH/);
    banner.destroy();
  });

  test('is remembered in a form that ssh itself accepts, plain and hashed', async () => {
    for (const hashed of ['yes', 'no']) {
      const file = home.path(`known_${hashed}`);
      const sshConfigFile = await home.write('config', `HashKnownHosts ${hashed}\n`);
      const connector = home.connector({ acceptNew: true, sshConfigFile });
      await connector.connect(home.host('h1', sshd.port, { privateKeyFile, userKnownHostsFile: file }));
      expect((await readFile(file, 'utf8')).startsWith(hashed === 'yes' ? '|1|' : '[127.0.0.1]:')).toBe(true);
      const options = [
        'BatchMode=yes',
        'StrictHostKeyChecking=yes',
        `UserKnownHostsFile=${file}`,
        'IdentityAgent=none',
      ];
      const { stdout } = await run('ssh', [
        ...['-F', 'none', '-i', privateKeyFile, '-p', String(sshd.port)],
        ...options.flatMap((option) => ['-o', option]),
        ...['deploy@127.0.0.1', 'echo', 'in'],
      ]);
      expect(stdout).toBe('in\n');
    }
  });

  test.each([
    ['ed25519', []],
    ['ed25519', ['-N', 'open sesame']],
    ['ecdsa', ['-b', '384']],
    ['rsa', ['-b', '2048', '-N', 'open sesame']],
    ['rsa', ['-b', '2048', '-m', 'PEM']],
  ])('takes keys that ssh-keygen made: %s %j', async (type, options) => {
    const path = home.path('generated');
    await run('ssh-keygen', [
      '-q',
      '-t',
      type,
      '-f',
      path,
      ...(options.includes('-N') ? options : [...options, '-N', '']),
    ]);
    const publicKey = await readFile(`${path}.pub`, 'utf8');
    const authorized = `${sshd.dir}/authorized_keys`;
    await writeFile(authorized, `${key.public}\n${publicKey}`);
    const connector = home.connector({ prompt: () => Promise.resolve('open sesame') });
    const remote = await connector.connect(home.host('h1', sshd.port, { privateKeyFile: path }));
    expect((await remote.exec(['id', '-un'])).stdout).toBe('deploy\n');
  });

  test('takes keys from a real ssh-agent', async () => {
    const socket = home.path('agent');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      await untilAgentAnswers(env);
      await run('ssh-add', ['-q', privateKeyFile], { env });
      const connector = home.connector({ env });
      const remote = await connector.connect(home.host('h1', sshd.port));
      expect((await remote.exec(['id', '-un'])).stdout).toBe('deploy\n');
    } finally {
      agent.kill();
      await once(agent, 'exit');
    }
  });

  test('takes a password, and names what it takes when that is wrong', async () => {
    const connectWith = (text: string) =>
      home
        .connector()
        .connect(home.host('h1', sshd.port, { user: 'pass', password: new Secret('ansible_password', text) }));
    expect((await (await connectWith('s3cret')).exec(['id', '-un'])).stdout).toBe('pass\n');
    await expect(connectWith('wrong')).rejects.toMatchObject({
      kind: 'auth_failed',
      message: `127.0.0.1 port ${sshd.port} does not let pass in: tried password; the server takes publickey, password.`,
    });
  });

  describe('with sudo', () => {
    const sudo = (password?: string): { become: Become } => ({
      become: {
        method: 'sudo',
        user: 'root',
        ...(password === undefined ? {} : { password: new Secret('ansible_become_password', password) }),
      },
    });
    const read = ['sh', '-c', 'id -un; cat'];

    test.each([
      ['deploy', undefined],
      ['deploy', 'not needed'],
      ['pass', 's3cret'],
    ])('becomes root as %s with the password %s, and the command gets its own stdin', async (user, password) => {
      const remote = await connect(user, sudo(password));
      expect(await remote.exec(read, { stdin: 'mine', timeoutMs: 20_000 })).toMatchObject({
        exitCode: 0,
        stdout: 'root\nmine',
        stderr: '',
      });
    });

    test.each([
      ['pass', undefined, 'a password is required'],
      ['pass', 'wrong', 'the password is wrong'],
      ['other', 's3cret', 'the user may not'],
    ])('says why it does not become root as %s with the password %s', async (user, password, reason) => {
      const remote = await connect(user, sudo(password));
      await expect(remote.exec(read)).rejects.toMatchObject({
        kind: 'become_failed',
        message: expect.stringContaining(`sudo does not make the user root: ${reason} (`) as string,
      });
    });
  });

  describe('holds a lock', () => {
    const holder = { run: 'r2', user: 'me', controller: 'here', since: 0 };
    const lock = (remote: Remote, waitMs = 0) => acquireLock(remote, holder, waitMs, systemClock);

    test('until its controller is killed', async () => {
      const remote = await connect();
      const program = fileURLToPath(new URL('../support/hold-lock.ts', import.meta.url));
      const args = [sshd.port, 'deploy', privateKeyFile, home.path('known_hosts'), home.dir, 'r1'].map(String);
      const controller = spawn(process.execPath, ['--import', 'tsx', program, ...args], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [said] = (await once(controller.stdout, 'data')) as [Buffer];
      expect(said.toString()).toBe('held\n');
      await expect(lock(remote)).rejects.toBeInstanceOf(LockedError);
      controller.kill('SIGKILL');
      await once(controller, 'exit');
      await (await untilLocked(remote)).release();
    });

    test('for one of many that come at once', async () => {
      const remotes = await Promise.all(Array.from({ length: 10 }, () => connect()));
      const outcomes = await Promise.allSettled(remotes.map((remote) => lock(remote)));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    test('against every user, whoever made its file', async () => {
      const [deploy, root] = [await connect('deploy'), await connect('root')];
      for (const [one, other] of [
        [deploy, root],
        [root, deploy],
      ] as const) {
        const held = await lock(one);
        await expect(lock(other)).rejects.toMatchObject({ run: 'r2' });
        await held.release();
      }
    });

    async function untilLocked(remote: Remote): ReturnType<typeof lock> {
      for (;;) {
        const held = await lock(remote).catch((error: unknown) => {
          if (!(error instanceof LockedError)) throw error;
        });
        if (held !== undefined) return held;
      }
    }
  });
});

async function processesWith(marker: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return commands.filter((command) => command.split('\0').includes(marker));
}

async function untilAgentAnswers(env: NodeJS.ProcessEnv): Promise<void> {
  for (;;) {
    // Exit code 1: it answers, and holds no key; 2: it does not answer yet.
    const code = await run('ssh-add', ['-l'], { env }).then(
      () => 0,
      (error: unknown) => (error as { code?: number }).code,
    );
    if (code !== 2) return;
  }
}
