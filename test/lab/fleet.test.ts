import { once } from 'node:events';
import { connect } from 'node:net';
import { beforeEach, expect, test } from 'vitest';
import { startRecord } from './support/balancer-record.ts';
import { serve, servers, serversUp, soon } from './support/by-hand.ts';
import { describeOnLab, emptyLab } from './support/lab-test.ts';
import type { Lab } from './support/fleet.ts';
import { hostAddress, keyFile, knownHostsFile, ports } from './support/layout.ts';
import { runToEnd } from './support/processes.ts';

describeOnLab('a fleet of real hosts', (lab) => {
  beforeEach(() => emptyLab(lab()));

  test('every host is a machine of its own, reached over ssh as root and as a plain user', async () => {
    const seen = await Promise.all(lab().hosts.map((host) => overSsh(lab(), `root@${host}`, 'hostname; id -un; pwd')));
    expect(seen.map(({ stdout }) => stdout)).toEqual(lab().hosts.map((host) => `${host}\nroot\n/root\n`));

    const deploy = await overSsh(lab(), 'deploy@h1', 'id -un; pwd; docker ps >/dev/null 2>&1 || echo no docker');
    expect(deploy.stdout).toBe('deploy\n/home/deploy\nno docker\n');
  });

  test('equal images pushed at the same time are one image', async () => {
    const push = () => lab().publish('shop/twin', '1.0', { COLOUR: 'blue' });
    const references = new Set(await Promise.all(Array.from({ length: 12 }, push)));
    expect([...references]).toEqual([`${lab().registry}/shop/twin:1.0`]);
    await Promise.all(lab().hosts.map((host) => lab().docker(host, ['pull', '--quiet', [...references].join()])));
    const digests = lab().hosts.map((host) =>
      lab().docker(host, ['image', 'inspect', '--format', '{{.RepoDigests}}', [...references].join()]),
    );
    expect(new Set(await Promise.all(digests)).size).toBe(1);
  });

  test('the balancer sends requests to a host exactly while its health container answers', async () => {
    await serve(lab(), 'h1', await lab().publish('shop/app', '1.0'));
    const record = await startRecord({ statsUrl: lab().statsUrl });

    await expect.poll(() => serversUp(lab()), soon).toEqual(['h1']);
    const answer: unknown = await (await fetch(lab().frontendUrl)).json();
    expect(answer).toEqual({ version: '1.0', hostname: expect.any(String) as string, pid: 1 });
    await lab().docker('h1', ['stop', 'health']);
    await expect.poll(() => serversUp(lab()), soon).toEqual([]);

    const { outages, failedReads } = await record.stop();
    const time = expect.any(Number) as number;
    expect(failedReads).toBe(0);
    expect(outages.filter(({ server }) => server === 'h1')).toEqual([
      { server: 'h1', fromMs: time, untilMs: time },
      { server: 'h1', fromMs: time, untilMs: undefined },
    ]);
  });

  test('a container that is told to stop finishes the requests that it has, and exits 0', async () => {
    await serve(lab(), 'h2', await lab().publish('shop/app', '1.0'));
    await expect.poll(() => serversUp(lab()), soon).toEqual(['h2']);

    const slow = fetch(`${lab().frontendUrl}/slow?ms=1500`);
    await expect.poll(async () => (await servers(lab())).get('h2')?.['scur'], soon).toBe('1');
    await lab().docker('h2', ['stop', '--time', '10', 'app']);

    expect((await slow).status).toBe(200);
    expect(await lab().docker('h2', ['inspect', '--format', '{{.State.ExitCode}}', 'app'])).toBe('0\n');
  });

  test('a host that loses its power comes back with its disk, and its containers with it', async () => {
    await serve(lab(), 'h3', await lab().publish('shop/app', '1.0'));
    await lab().exec('h3', ['sh', '-c', 'for place in /srv /etc /usr/lib /run; do echo kept >$place/lab-file; done']);

    await lab().hostDown('h3');
    await expect(lab().exec('h3', ['true'])).rejects.toThrow(
      /^h3 of lab \S+ is not on; change that with: npm run lab -- host-up h3/,
    );
    await lab().hostUp('h3');

    const files = await lab().exec('h3', [
      'sh',
      '-c',
      'cat /srv/lab-file /etc/lab-file /usr/lib/lab-file; ls /run/lab-file',
    ]);
    expect(files).toMatchObject({ exitCode: 2, stdout: 'kept\nkept\nkept\n' });
    await expect.poll(() => serversUp(lab()), soon).toEqual(['h3']);
  });

  test('a partitioned host is silent but goes on running, and is back when healed', async () => {
    await serve(lab(), 'h4', await lab().publish('shop/app', '1.0'));
    await expect.poll(() => serversUp(lab()), soon).toEqual(['h4']);

    await lab().partition('h4');
    await expect.poll(() => serversUp(lab()), soon).toEqual([]);
    expect((await overSsh(lab(), 'root@h4', 'true')).stderr).toMatch(/timed out|No route to host/);
    expect(await lab().docker('h4', ['inspect', '--format', '{{.State.Running}}', 'app'])).toBe('true\n');

    await lab().heal('h4');
    await expect.poll(() => serversUp(lab()), soon).toEqual(['h4']);
  });

  test('a docker daemon that dies is started again', async () => {
    const daemon = async () => (await lab().exec('h5', ['cat', '/run/docker.pid'])).stdout;
    const before = await daemon();
    await lab().exec('h5', ['kill', '-9', before]);

    await expect.poll(daemon, soon).not.toBe(before);
    await expect.poll(async () => (await lab().exec('h5', ['docker', 'ps'])).exitCode, soon).toBe(0);
  });

  test('a latency makes every round trip to a host longer, until it is taken back', async () => {
    await lab().setLatency(60);
    await lab().hostDown('h2');
    await lab().hostUp('h2');
    expect(Math.min(await roundTripMs(lab(), 'h1'), await roundTripMs(lab(), 'h2'))).toBeGreaterThanOrEqual(60);

    await lab().setLatency(0);
    expect(Math.max(await roundTripMs(lab(), 'h1'), await roundTripMs(lab(), 'h2'))).toBeLessThan(60);
  });

  test('from a host nothing but the lab can be reached', async () => {
    const routes = await lab().exec('h1', ['ip', '-4', 'route', 'show']);
    const own = `10.213.${lab().settings.network}`;
    expect(routes.stdout.split('\n').map((route) => route.trim())).toEqual([
      `${own}.0/24 dev eth0 proto kernel scope link src ${own}.11`,
      expect.stringMatching(/^172\.17\.0\.0\/16 dev docker0 /),
      '',
    ]);
  });

  test('an image is as broken as its variables say', async () => {
    const crashed = await runToItsEnd(lab(), 'h1', await lab().publish('shop/app', 'crash', { APP_FAULT: 'crash' }));
    expect(crashed.exitCode).toBe(1);
    expect(crashed.stderr.split('\n').map((line) => line.replace(/^\S+ /, ''))).toEqual([
      'app: starting version crash',
      'app: loading configuration',
      'app: fatal: cannot open the database: no such host db.internal',
      '',
    ]);
    const printed = { APP_PRINT_ENV: '1', COLOUR: 'blue' };
    const printing = await runToItsEnd(lab(), 'h1', await lab().publish('shop/app', 'print', printed));
    expect(printing).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('COLOUR=blue\n') as string });

    await serve(lab(), 'h2', await lab().publish('shop/app', 'sick', { APP_FAULT: 'unhealthy' }));
    expect(await behaviour(lab(), 'h2')).toEqual({ '/': 200, '/ready': 200, '/health': 503, check: 1 });
    await serve(lab(), 'h3', await lab().publish('shop/app', 'wrong', { APP_FAULT: 'error' }));
    expect(await behaviour(lab(), 'h3')).toEqual({ '/': 500, '/ready': 500, '/health': 500, check: 1 });
    await serve(lab(), 'h4', await lab().publish('shop/app', 'slow', { APP_FAULT: 'slow_boot', APP_BOOT_MS: '4000' }));
    const refused = await lab().exec('h4', ['docker', 'exec', 'app', '/app', '--check', '/ready']);
    expect(refused).toMatchObject({ exitCode: 1, stdout: 'cannot connect to port 8080: Connection refused\n' });
    await expect.poll(() => behaviour(lab(), 'h4').catch(() => 'not yet'), soon).toMatchObject({ '/ready': 200 });
  });

  test('a release that fails for 5 % of its requests is healthy otherwise', async () => {
    await serve(lab(), 'h6', await lab().publish('shop/app', 'uneven', { APP_ERROR_PERCENT: '5' }));
    await expect.poll(() => behaviour(lab(), 'h6').catch(() => 'not yet'), soon).toMatchObject({ '/health': 200 });

    const statuses: number[] = [];
    for (let count = 0; count < 200; count += 1) statuses.push(await statusOf(lab(), 'h6', '/'));
    expect(statuses.filter((status) => status === 500)).toHaveLength(10);
    expect(statuses.filter((status) => status === 200)).toHaveLength(190);
  });
});

async function runToItsEnd(lab: Lab, host: string, image: string) {
  await lab.docker(host, ['pull', '--quiet', image]);
  return await lab.exec(host, ['docker', 'run', '--rm', image]);
}

/** Status of each path of a host's app, and the exit code of its healthcheck. */
async function behaviour(lab: Lab, host: string): Promise<Record<string, number>> {
  const paths = ['/', '/ready', '/health'];
  const statuses = await Promise.all(paths.map(async (path) => [path, await statusOf(lab, host, path)] as const));
  const check = await lab.exec(host, ['docker', 'exec', 'app', '/app', '--check']);
  return { ...Object.fromEntries(statuses), check: check.exitCode };
}

async function statusOf(lab: Lab, host: string, path: string): Promise<number> {
  const address = hostAddress(lab.settings.network, host);
  const response = await fetch(`http://${address}:${ports.app}${path}`, { signal: AbortSignal.timeout(5000) });
  await response.arrayBuffer();
  return response.status;
}

/** The fastest of a few TCP handshakes with the host's sshd, the first of which may have to look for its neighbour. */
async function roundTripMs(lab: Lab, host: string): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < 5; count += 1) {
    const started = performance.now();
    const socket = connect({ host: hostAddress(lab.settings.network, host), port: 22 });
    await once(socket, 'connect');
    times.push(performance.now() - started);
    socket.destroy();
  }
  return Math.min(...times);
}

/** With OpenSSH's own client: nothing of what is under test. */
async function overSsh(lab: Lab, login: string, command: string) {
  const [user = '', host = ''] = login.split('@');
  const { name, network } = lab.settings;
  const options = ['BatchMode=yes', 'ConnectTimeout=2', `UserKnownHostsFile=${knownHostsFile(name)}`];
  const flags = ['-F', 'none', '-i', keyFile(name), ...options.flatMap((option) => ['-o', option])];
  return await runToEnd(['ssh', ...flags, `${user}@${hostAddress(network, host)}`, command], { timeoutMs: 20_000 });
}
