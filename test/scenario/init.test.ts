import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Plan } from '../../src/plan/plan.ts';
import { runRollout } from '../support/rollout.ts';
import { startSandboxFleet, type SandboxFleet } from '../support/sandbox-fleet.ts';

interface ContainerJson {
  readonly Id: string;
  readonly Image: string;
  readonly State: { readonly Running: boolean };
  readonly Config: {
    readonly Image: string;
    readonly Labels: Readonly<Record<string, string>>;
    readonly Hostname: string;
  };
  readonly HostConfig: { readonly Binds: readonly string[] | null };
  readonly Mounts: readonly object[];
}

const password = 'hunter2hunter2';
let fleet: SandboxFleet;
let cwd: string;
let images: { readonly app: string; readonly proxy: string };
beforeAll(async () => {
  fleet = await startSandboxFleet({ hosts: 3, delayFactor: 0.05 });
  cwd = await mkdtemp(join(tmpdir(), 'rollout-init-'));
  images = {
    app: await fleet.publish('shop/app', '1.4', { APP_VERSION: '1.4' }),
    proxy: await fleet.publish('shop/proxy', '7', { APP_VERSION: '7' }),
  };
  // Made by hand, as fleets are: nothing of it is rollout's.
  for (const host of ['h1', 'h2']) {
    await fleet.docker(host, ['network', 'create', 'shop']);
    await fleet.docker(host, ['volume', 'create', 'data']);
    await fleet.docker(host, ['pull', images.app]);
    await fleet.docker(host, [
      ...['create', '--name', 'shop-app-1', '--network', 'shop', '--network-alias', 'app', '--restart', 'always'],
      ...['--label', 'com.docker.compose.service=app', '--label', 'team=shop', '--publish', '8080:8080'],
      ...['--env', `DB_PASSWORD=${password}`, '--env', 'LOG=debug', '--env', `NODE=${host}`],
      ...['--volume', 'data:/data', '--volume', '/srv/conf:/conf:ro', '--tmpfs', '/tmp:size=64m', '--memory', '64m'],
      ...[
        '--ulimit',
        'nofile=1024:2048',
        '--stop-timeout',
        '20',
        '--health-cmd',
        '/app --check',
        '--health-interval',
        '1s',
        images.app,
      ],
    ]);
    await fleet.docker(host, ['start', 'shop-app-1']);
  }
  await fleet.docker('h3', ['pull', images.proxy]);
  await fleet.docker('h3', ['create', '--name', 'proxy', '--publish', '8080:8080', images.proxy]);
  await fleet.docker('h3', ['start', 'proxy']);
  await fleet.docker('h3', ['create', '--name', 'idle', images.proxy]);
});
afterAll(async () => {
  await fleet.close();
  await rm(cwd, { recursive: true, force: true });
});

const rollout = async (...args: readonly string[]) => {
  const settings = { script: inject('rolloutScript'), cwd, env: { DB_PASSWORD: password } };
  const { exitCode, stdout, stderr } = await runRollout(args, settings);
  return { exitCode, stdout, stderr };
};

/** The last line; before it are events. */
const planOf = async (playbook: string): Promise<Plan> =>
  JSON.parse((await rollout('plan', playbook, '--output', 'json')).stdout.trimEnd().split('\n').at(-1) ?? '') as Plan;

const read = (path: string): Promise<string> => readFile(join(cwd, path), 'utf8');
const fromHosts = (...hosts: readonly string[]): readonly string[] => [
  ...['init', '--name', 'shop', '--from-ansible', fleet.inventoryFile],
  ...hosts.flatMap((host) => ['--from-host', host]),
];

test('what runs on hosts, written down: the first plan adopts every container and changes nothing but labels', async () => {
  const { exitCode, stdout, stderr } = await rollout(...fromHosts('all'));
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 0,
    stdout: `wrote compositions/prod.yaml  the images of app, proxy
wrote playbooks/prod.yaml     play app for h1,h2, play proxy for h3

To look at:
  h3: left out, for they do not run: idle

Look at what was written, then at what a run would do, which changes nothing:
  export DB_PASSWORD=…   # DB_PASSWORD of shop-app-1 on h1
  rollout plan playbooks/prod.yaml
  rollout doctor playbooks/prod.yaml
`,
    stderr: '',
  });
  expect(`${await read('playbooks/prod.yaml')}${await read('compositions/prod.yaml')}`).not.toContain(password);
  expect((await rollout('validate', 'playbooks/prod.yaml')).stdout).toBe(
    'playbooks/prod.yaml: playbook shop: 2 plays, 3 hosts, all good\n',
  );
  const planned = await planOf('playbooks/prod.yaml');
  const changes = planned.plays.flatMap(({ nodes }) =>
    nodes.flatMap((node) =>
      node.changes.map(({ service, kind, differences }) => [
        `${node.host} ${kind} ${service}`,
        differences.map(({ path }) => path).filter((path) => path !== 'container'),
      ]),
    ),
  );
  expect(changes).toEqual([
    ['h1 adopt app', ['labels.com.docker.compose.service']],
    ['h2 adopt app', ['labels.com.docker.compose.service']],
    ['h3 adopt proxy', []],
  ]);
});

test('the run after it adopts: what the containers are made of stays as it was, and then there is nothing to do', async () => {
  const made = async (): Promise<unknown[]> => {
    const texts = await Promise.all([
      ...['h1', 'h2'].map((host) => fleet.docker(host, ['container', 'inspect', 'shop-app-1'])),
      fleet.docker('h3', ['container', 'inspect', 'proxy']),
    ]);
    return texts.map((text) => {
      const [{ Id, Image, State, Config, HostConfig, Mounts }] = JSON.parse(text) as [ContainerJson];
      // Its image is pinned by digest from now on; Image, the image itself, stays.
      const { Labels, Hostname, Image: _written, ...config } = Config;
      expect(State.Running).toBe(true);
      ids.add(Id).add(Hostname);
      const ours = Object.fromEntries(
        Object.entries(Labels).filter(([name]) => !/^(?:rollout|com\.docker)\./.test(name)),
      );
      // Their order means nothing.
      const { Binds, ...rest } = HostConfig;
      return {
        Image,
        config,
        ours,
        rest,
        binds: Binds?.toSorted(),
        mounts: Mounts.map((mount) => JSON.stringify(mount)).toSorted(),
      };
    });
  };
  const ids = new Set<string>();
  const before = await made();
  const { exitCode, stderr } = await rollout('playbooks/prod.yaml', '--no-bake', '--reason', 'by hand');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(await made()).toEqual(before);
  // Three containers before, three others after.
  expect(ids.size).toBe(12);
  expect((await rollout('plan', 'playbooks/prod.yaml', '--detailed-exitcode')).exitCode).toBe(0);
});

test('what is there is not overwritten, and then nothing is written at all', async () => {
  await writeFile(join(cwd, 'compositions/prod.yaml'), 'mine\n');
  await rm(join(cwd, 'playbooks/prod.yaml'));
  expect(await rollout(...fromHosts('h3'))).toEqual({
    exitCode: 2,
    stdout: '',
    stderr:
      'rollout: nothing was written: compositions/prod.yaml would be overwritten\n  Give the files another name: --stage NAME\n',
  });
  expect([await read('compositions/prod.yaml'), await readdir(join(cwd, 'playbooks'))]).toEqual(['mine\n', []]);
});

test('a host that cannot be read, or that nobody knows, ends it before anything is written', async () => {
  await fleet.hostDown('h2');
  const { exitCode, stderr } = await rollout(...fromHosts('h1', 'h2'), '--stage', 'other');
  await fleet.hostUp('h2');
  expect({ exitCode, isNamed: stderr.startsWith('rollout: nothing was written\n  h2: ') }).toEqual({
    exitCode: 4,
    isNamed: true,
  });
  const unknown = await rollout(...fromHosts('h11'), '--stage', 'other');
  expect([unknown.exitCode, unknown.stderr]).toEqual([
    2,
    expect.stringContaining('h11 is no host and no group of this inventory. Did you mean h1?'),
  ]);
  expect(await readdir(join(cwd, 'playbooks'))).toEqual([]);
});
