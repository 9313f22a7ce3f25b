import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { Docker } from '../../../src/docker/docker.ts';
import { diffService } from '../../../src/docker/diff.ts';
import type { ExecOptions, Remote } from '../../../src/ssh/remote.ts';
import { runArgv } from '../../../src/sandbox/command/host-command.ts';
import { startSandbox } from '../../../src/sandbox/sandbox.ts';
import { serviceKeys } from '../../../src/service/table.ts';
import { service, serviceContext } from '../../support/services.ts';

// So that what rollout asks docker for and what the sandbox makes of it cannot drift apart.
const definition = {
  image: 'IMAGE',
  platform: 'linux/amd64',
  entrypoint: ['/app'],
  command: ['--check', '/ready'],
  environment: { LOG_LEVEL: 'info', PASSWORD: { secret: 'db_password' }, LINES: 'a\nb' },
  labels: { team: 'shop' },
  ports: ['8080:8080', '127.0.0.1:9090:9090/udp'],
  expose: ['7000'],
  volumes: ['data:/data', '/etc/hosts:/hosts:ro', { type: 'tmpfs', target: '/scratch' }],
  tmpfs: ['/tmp:size=1m'],
  networks: ['backend'],
  restart: 'on-failure:3',
  runtime: 'runc',
  logging: { driver: 'json-file', options: { 'max-size': '10m' } },
  hostname: 'app-host',
  domainname: 'example.org',
  dns: ['10.0.0.53'],
  dns_search: ['example.org'],
  dns_opt: ['ndots:2'],
  extra_hosts: ['db:10.0.0.9'],
  mem_swappiness: 5,
  oom_kill_disable: true,
  oom_score_adj: 100,
  pids_limit: 100,
  cpu_shares: 512,
  cpuset: '0,1',
  ulimits: { nofile: { soft: 1024, hard: 2048 }, nproc: 512 },
  sysctls: { 'net.core.somaxconn': '1024' },
  privileged: true,
  cap_add: ['NET_ADMIN'],
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges'],
  devices: ['/dev/null:/dev/zero:rw'],
  device_cgroup_rules: ['c 1:3 rmw'],
  ipc: 'host',
  pid: 'host',
  uts: 'host',
  cgroup: 'host',
  cgroup_parent: '/shop',
  userns_mode: 'host',
  user: '1000:1000',
  group_add: ['5'],
  stdin_open: true,
  tty: true,
  mac_address: '02:00:00:00:00:01',
  storage_opt: { size: '1G' },
  working_dir: '/srv',
  init: true,
  read_only: true,
  stop_signal: 'SIGINT',
  stop_grace_period: '20s',
  shm_size: '128m',
  mem_limit: '256m',
  memswap_limit: '512m',
  mem_reservation: '64m',
  cpus: 0.5,
  healthcheck: { test: ['CMD', '/app', '--check'], interval: '5s', timeout: '2s', retries: 4, start_period: '10s' },
};

/** Docker takes either `cpus` or these. */
const quota = { image: 'IMAGE', cpu_period: 100_000, cpu_quota: 50_000 };

test.each([
  ['many keys', definition],
  ['a quota', quota],
])('what rollout creates from a service with %s, it reads back without a difference', async (_, keys) => {
  const sandbox = await startSandbox({ hosts: 1, delayFactor: 0 });
  try {
    const image = sandbox.publish('shop/app', '1');
    const { machine } = sandbox.host('h1');
    const docker = new Docker({
      host: 'h1',
      exec: async (argv: readonly string[], options: ExecOptions = {}) => {
        let stdout = '';
        let stderr = '';
        if (options.stdin instanceof Readable) throw new Error('no stream is sent here');
        const stdin = Buffer.from(options.stdin ?? '');
        const io = {
          readLine: () => Promise.resolve(undefined),
          readSome: () => Promise.resolve(undefined),
          readStdin: () => Promise.resolve(stdin),
          isHungUp: () => false,
          stdinEnded: Promise.resolve(),
          stdout: (text: string) => void (stdout += text),
          stderr: (text: string) => void (stderr += text),
          signal: new AbortController().signal,
        };
        return { exitCode: await runArgv(machine, io, argv), stdout, stderr, durationMs: 0 };
      },
    } as unknown as Remote);
    const wanted = service({ ...keys, image }, 'app', serviceContext());

    await docker.pull(wanted.image);
    await docker.createNetwork({ name: 'backend', external: false, options: {} });
    await docker.create(wanted, 'app', {});
    const { containers, images } = await docker.observe({ names: ['app'], images: [image] });
    const container = containers.get('app');
    if (container === undefined) throw new Error('no container app');

    expect(diffService(wanted, container, images)).toEqual([]);
  } finally {
    await sandbox.close();
  }
});

test('every key that makes a container is among them', () => {
  // Docker 20.10 has no annotations; a container with networks has no network mode of its own; secrets and configs are
  // mounts of files; and the sandbox has no devices to share out, nor a real-time scheduler.
  const others = ['annotations', 'network_mode', 'secrets', 'configs', 'blkio_config', 'gpus'];
  others.push('cpu_rt_period', 'cpu_rt_runtime', ...Object.keys(quota));
  const keys = serviceKeys.filter(({ container }) => container !== undefined).map(({ name }) => name);
  expect(keys.filter((name) => !(name in definition) && !others.includes(name))).toEqual([]);
});
