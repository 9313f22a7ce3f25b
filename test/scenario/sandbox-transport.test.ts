import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Secret } from '../../src/model/secret.ts';
import type { Fleet } from '../support/fleet.ts';
import { createConnector, type Connector } from '../../src/ssh/connect.ts';
import { acquireLock, LockedError } from '../../src/ssh/lock.ts';
import type { Remote } from '../../src/ssh/remote.ts';
import { startSandboxChild } from '../support/sandbox-child.ts';
import { startSandboxFleet } from '../support/sandbox-fleet.ts';
import { systemClock } from '../support/ssh-client.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function started<F extends Fleet>(starting: Promise<F>): Promise<F> {
  const fleet = await starting;
  cleanups.push(() => fleet.close());
  return fleet;
}

/** rollout's own transport, with what the fleet's inventory says. */
async function connect(fleet: Fleet, host: string, becomePassword?: string): Promise<Remote> {
  const inventory = await readFile(fleet.inventoryFile, 'utf8');
  const port = Number(new RegExp(`${host}: \\{ ansible_port: (\\d+) \\}`).exec(inventory)?.[1]);
  const connector: Connector = createConnector({
    acceptNew: false,
    env: {},
    homeDir: fleet.dir,
    sshConfigFile: 'none',
    clock: systemClock,
    random: () => 0,
  });
  cleanups.push(() => connector.close());
  const become =
    becomePassword === undefined
      ? {}
      : { become: { method: 'sudo' as const, user: 'root', password: new Secret('become', becomePassword) } };
  return connector.connect({
    name: host,
    groups: [],
    vars: {},
    connection: {
      kind: 'ssh',
      address: '127.0.0.1',
      port,
      user: 'deploy',
      privateKeyFile: join(fleet.dir, 'id_ed25519'),
      userKnownHostsFile: join(fleet.dir, 'known_hosts'),
      ...become,
    },
  });
}

const holder = { run: 'one', user: 'alice', controller: 'laptop', since: 0 };

test("rollout's transport knows the host by the inventory's known_hosts, and its lock is one at a time", async () => {
  const fleet = await started(startSandboxFleet({ hosts: 1, delayFactor: 0 }));
  const first = await connect(fleet, 'h1');
  const second = await connect(fleet, 'h1');
  const lock = await acquireLock(first, holder, 0, systemClock);
  const refused: unknown = await acquireLock(second, { ...holder, run: 'two' }, 0, systemClock).catch(
    (error: unknown) => error,
  );
  await lock.release();
  const later = await acquireLock(second, { ...holder, run: 'two' }, 0, systemClock);
  await later.release();
  expect(refused).toBeInstanceOf(LockedError);
  expect((refused as LockedError).message).toBe(
    'h1 is locked by run one of alice from laptop, since 1970-01-01T00:00:00.000Z.',
  );
});

test('sudo asks for the password, and takes no other', async () => {
  const fleet = await started(startSandboxFleet({ hosts: 1, delayFactor: 0, sudoPassword: 's3cret' }));
  const right = await connect(fleet, 'h1', 's3cret');
  const wrong = await connect(fleet, 'h1', 'guess');
  expect(await right.exec(['cat'], { stdin: 'for the command' })).toMatchObject({
    exitCode: 0,
    stdout: 'for the command',
    stderr: '',
  });
  await expect(wrong.exec(['true'])).rejects.toThrow('sudo does not make the user root: the password is wrong');
});

test('latency is added to every round trip', async () => {
  const fleet = await started(startSandboxFleet({ hosts: 1, delayFactor: 0, latencyMs: 60 }));
  const remote = await connect(fleet, 'h1');
  const { durationMs } = await remote.exec(['true']);
  expect(durationMs).toBeGreaterThanOrEqual(60);
});

test('a host without docker says so as its shell would', async () => {
  const fleet = await started(startSandboxFleet({ hosts: 1, delayFactor: 0 }));
  fleet.sandbox.host('h1').machine.hasDocker = false;
  const remote = await connect(fleet, 'h1');
  expect(await remote.exec(['docker', 'info'])).toMatchObject({
    exitCode: 127,
    stderr: 'sh: 1: docker: not found\n',
  });
});

test('a sandbox in another process is the same fleet, and ends with the one who started it', async () => {
  const fleet = await started(startSandboxChild({ hosts: 2, delayFactor: 0 }));
  const image = await fleet.publish('shop/app', '1');
  await fleet.docker('h2', ['pull', '-q', image]);
  await fleet.docker('h2', ['create', '--name', 'health', '-p', '8081:8080', image]);
  await fleet.docker('h2', ['start', 'health']);
  const remote = await connect(fleet, 'h2');
  const { stdout } = await remote.exec(['docker', 'ps', '--format', '{{.Names}}']);
  await expect.poll(() => fleet.call('usable'), { timeout: 5_000, interval: 20 }).toEqual(['h2']);
  expect(stdout).toBe('health\n');
  await expect(fleet.docker('h1', ['start', 'nope'])).rejects.toThrow('No such container: nope');
});
