import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { snapshot } from '../support/containers.ts';
import { writePlaybook } from '../support/playbooks.ts';
import { runRollout } from '../support/rollout.ts';
import { hostAddress, knownHostsFile } from './support/layout.ts';
import { describeOnLab, emptyLab } from './support/lab-test.ts';
import { run } from './support/processes.ts';

/** Where a host finds docker: in its own root, whatever the machine has. */
const dockerPrograms = ['/usr/bin/docker', '/usr/local/bin/docker'];

// Each is one clear error with the right exit code, found before anything is touched.
describeOnLab('what can be wrong with a fleet', (lab) => {
  let cwd: string;
  let playbook: string;
  let playbookWithoutImage: string;
  let before: Awaited<ReturnType<typeof snapshot>>;

  const rollout = async (...args: string[]): Promise<{ exitCode: number | null; said: string }> => {
    const { exitCode, stdout, stderr } = await runRollout(args, { script: inject('rolloutScript'), cwd });
    return { exitCode, said: `${stdout}${stderr}` };
  };

  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'rollout-errors-'));
    const health = await lab().publish('shop/health', '1');
    const app = async (version: string): Promise<string> =>
      lab().publish('shop/app', version, { APP_VERSION: version });
    const strategy = { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' };
    const first = await rollout(await writePlaybook(lab(), { health, app: await app('1'), strategy }));
    if (first.exitCode !== 0) throw new Error(`the first deployment: ${first.said}`);
    playbook = await writePlaybook(lab(), { health, app: await app('2'), file: 'next' });
    const missing = `${lab().registry}/shop/app:nowhere`;
    playbookWithoutImage = await writePlaybook(lab(), { health, app: missing, file: 'without-image' });
  });
  beforeEach(async () => {
    before = await snapshot(lab());
  });
  afterAll(async () => {
    await emptyLab(lab());
    await rm(cwd, { recursive: true, force: true });
  });

  test('a changed host key is refused with both fingerprints', async () => {
    const address = hostAddress(lab().settings.network, 'h2');
    const otherKey = join(cwd, 'other_key');
    await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', otherKey]);
    const knownHosts = join(cwd, 'known_hosts');
    await writeFile(knownHosts, `${address} ${await readFile(`${otherKey}.pub`, 'utf8')}`);
    const inventory = join(cwd, 'changed.yaml');
    const overlay = { h2: { ansible_ssh_common_args: `-o UserKnownHostsFile=${knownHosts}` } };
    await writeFile(inventory, JSON.stringify({ web: { hosts: overlay } }));

    const { exitCode, said } = await rollout(playbook, '-i', lab().inventoryFile, '-i', inventory);
    expect(exitCode, said).toBe(2);
    expect(said).toMatch(/h2.*changed/is);
    expect(said).toContain('nothing was touched');
    expect(said).toContain(await fingerprintIn(knownHosts, address));
    expect(said).toContain(await fingerprintIn(knownHostsFile(lab().settings.name), address));
    expect(await snapshot(lab())).toEqual(before);
  });

  test('a host without docker is named, with what to do', async () => {
    const move = (from: string, to: string): string =>
      dockerPrograms.map((file) => `[ ! -e ${file}${from} ] || mv ${file}${from} ${file}${to}`).join('; ');
    await lab().exec('h3', ['sh', '-c', move('', '.away')]);
    try {
      const { exitCode, said } = await rollout(playbook);
      expect(exitCode, said).toBe(4);
      expect(said).toMatch(/h3.*unreachable: docker: not found;/);
      expect(said).toContain('Install docker on the host');
    } finally {
      await lab().exec('h3', ['sh', '-c', move('.away', '')]);
    }
    expect(await snapshot(lab())).toEqual(before);
  });

  test('a docker daemon that does not run is named, with what to do', async () => {
    await lab().stopDocker('h4');
    try {
      const { exitCode, said } = await rollout(playbook);
      expect(exitCode, said).toBe(4);
      expect(said).toMatch(/h4.*Cannot connect to the Docker daemon/);
      expect(said).toContain('Start the daemon');
    } finally {
      await lab().startDocker('h4');
    }
    // Its own containers have just been started by their policy.
    const withoutStart = (lines: readonly string[] = []): readonly string[] =>
      lines.map((line) =>
        line
          .split(' ')
          .filter((_, index) => index !== 4)
          .join(' '),
      );
    const after = await snapshot(lab());
    expect({ ...after, h4: withoutStart(after['h4']) }).toEqual({ ...before, h4: withoutStart(before['h4']) });
  });

  test('an image that the registry does not have is named', async () => {
    const { exitCode, said } = await rollout(playbookWithoutImage);
    expect(exitCode, said).toBe(2);
    expect(said).toMatch(/shop\/app:nowhere/);
    expect(said).toContain('nothing was touched');
    expect(await snapshot(lab())).toEqual(before);
  });

  test('a registry that is down is named', async () => {
    await lab().stopRegistry();
    try {
      const { exitCode, said } = await rollout(playbook);
      expect(exitCode, said).toBe(4);
      expect(said).toContain(lab().registry);
      expect(said).toContain('nothing was touched');
    } finally {
      await lab().startRegistry();
    }
    expect(await snapshot(lab())).toEqual(before);
  });

  test('ports that strangers have are named with their holders before a node leaves, with how to take one over', async () => {
    const image = `${lab().registry}/shop/app:1`;
    await lab().docker('h1', ['run', '-d', '--name', 'legacy', '-p', '9100:8080', image]);
    await lab().docker('h2', ['run', '-d', '--name', 'bare', '--network', 'host', '-e', 'APP_PORT=9100', image]);
    try {
      const taking = await writePlaybook(lab(), {
        ...{ health: `${lab().registry}/shop/health:1`, app: image, file: 'taking' },
        appKeys: { ports: ['8080:8080', '9100:8080'] },
      });
      for (const args of [['plan', taking], [taking]]) {
        const { exitCode, said } = await rollout(...args);
        expect(exitCode, said).toBe(2);
        expect(said).toContain(
          'h1: port 9100 of app is taken by container legacy; stop it, or write container_name: legacy in app to take it over',
        );
        expect(said).toMatch(/h2: port 9100 of app is taken by app \(pid \d+\); stop it, or publish another port/);
      }
    } finally {
      await lab().docker('h1', ['rm', '-f', 'legacy']);
      await lab().docker('h2', ['rm', '-f', 'bare']);
    }
    expect(await snapshot(lab())).toEqual(before);
  });
});

/** `SHA256:…` of an address' key in a known_hosts file. */
async function fingerprintIn(knownHosts: string, address: string): Promise<string> {
  const found = await run(['ssh-keygen', '-l', '-F', address, '-f', knownHosts]);
  return /SHA256:\S+/.exec(found)?.[0] ?? `no key of ${address} in ${knownHosts}`;
}
