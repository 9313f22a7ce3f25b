import { afterAll, beforeAll, expect, test } from 'vitest';
import { Docker } from '../../src/docker/docker.ts';
import { renameStep, startStep, stopStep, updateStep } from '../../src/docker/steps.ts';
import type { Container } from '../../src/docker/observed.ts';
import { Secret } from '../../src/model/secret.ts';
import type { NetworkSpec } from '../../src/model/service.ts';
import { networkDifferences, volumeDifferences } from '../../src/service/resource-diff.ts';
import { parseNetwork, parseVolume } from '../../src/service/resources.ts';
import { service, serviceContext } from '../support/services.ts';
import { describeOnLab, emptyLab } from './support/lab-test.ts';
import { apply, changeOneKey, differences } from './support/one-key.ts';
import { limitKeys, remoteOnLab } from './support/services.ts';

const host = 'h1';

describeOnLab(
  'services that change',
  (lab) => {
    let image = '';
    let docker: Docker;

    beforeAll(async () => {
      image = await lab().publish('shop/app', '1.0');
      docker = new Docker(remoteOnLab(lab(), host));
      await lab().docker(host, ['pull', '--quiet', image]);
      await lab().docker(host, ['network', 'create', 'backend']);
    });
    afterAll(() => emptyLab(lab()));

    test('any service, applied, changed in one key, applied: the difference is that key and no other, then there is none', async () => {
      await changeOneKey(docker, image, {
        runs: 25,
        limitMs: 60_000,
        without: (await holdsLimits(docker)) ? [] : limitKeys,
      });
    });

    test('limits and the restart policy of a running container change without a restart', async ({ skip }) => {
      skip(!(await holdsLimits(docker)), 'the kernel has no limits for this docker');
      const written = { image, mem_limit: '64m', restart: 'no', cpus: 0.5 };
      await apply(docker, service(written));
      await docker.carryOut([startStep('app')]);
      const { state } = await containerOf(docker);
      const changed = service({ ...written, mem_limit: '128m', restart: 'always', cpus: 1, pids_limit: 50 });
      await apply(docker, changed);
      expect((await containerOf(docker)).state).toEqual(state);
      expect(await differences(docker, changed)).toEqual([]);
    });

    test('a container that crashes over and over gets its restart policy whenever it is asked to, and stops', async () => {
      const crashing = await lab().publish('shop/app', 'crashes', { APP_FAULT: 'crash' });
      await lab().docker(host, ['pull', '--quiet', crashing]);
      for (let round = 0; round < 10; round += 1) {
        await docker.create(service({ image: crashing, restart: 'always' }, 'crashes'), 'crashes', {});
        await docker.carryOut([startStep('crashes')]);
        // Another moment of its life each time: just started, or after so many of its ends, in the pause before the next start.
        for (let ends = round % 4; ends > 0; ends -= 1) await lab().docker(host, ['wait', 'crashes']);
        await docker.carryOut([updateStep('crashes', ['--restart', 'no']), stopStep('crashes', 1000)]);
        expect((await docker.inspect(['crashes'])).get('crashes')).toMatchObject({ state: { status: 'exited' } });
        await docker.remove('crashes');
      }
    });

    test('limits that docker drops, as the kernel has none for it, are no difference, again and again', async ({
      skip,
    }) => {
      skip(await holdsLimits(docker), 'the kernel has limits for this docker');
      const written = { image, mem_limit: '64m', mem_reservation: '32m', pids_limit: 20, cpu_shares: 512, cpuset: '0' };
      const wanted = service(written);
      await apply(docker, wanted);
      const { id, inspect } = await containerOf(docker);
      expect(inspect).toMatchObject({ HostConfig: { Memory: 0, CpuShares: 0 } });
      expect(await differences(docker, wanted)).toEqual([]);
      await apply(docker, wanted);
      expect((await containerOf(docker)).id).toBe(id);
      expect(await differences(docker, service({ ...written, pids_limit: 21 }))).toContain('pids_limit');
    });

    test('what somebody changes by hand on a host is seen, and mended in place where docker can', async ({ skip }) => {
      skip(!(await holdsLimits(docker)), 'the kernel has no limits for this docker');
      const wanted = service({ image, mem_limit: '64m', restart: 'always', networks: ['backend'] });
      await apply(docker, wanted);
      await docker.carryOut([startStep('app')]);
      const { state } = await containerOf(docker);
      await lab().docker(host, ['update', '--memory=80m', '--memory-swap=200m', '--restart=no', 'app']);
      expect(await differences(docker, wanted)).toEqual(['mem_limit', 'memswap_limit', 'restart']);
      await apply(docker, wanted);
      expect(await differences(docker, wanted)).toEqual([]);
      expect((await containerOf(docker)).state).toEqual(state);

      await lab().docker(host, ['network', 'disconnect', 'backend', 'app']);
      expect(await differences(docker, wanted)).toEqual(['networks.backend.aliases']);
    });

    test('configs and secrets are files that only their owner reads, another content is a change, and old ones go', async () => {
      const written = {
        image,
        user: '1000',
        configs: [{ target: '/etc/app.conf', content: 'level=1\n' }],
        secrets: ['db_password'],
      };
      await lab().exec(host, ['rm', '-rf', '/var/lib/rollout/files']);
      await apply(docker, service(written));
      await docker.carryOut([startStep('app')]);
      expect(await lab().docker(host, ['exec', 'app', 'cat', '/etc/app.conf', '/run/secrets/db_password'])).toBe(
        'level=1\ns3cret',
      );
      const files = 'find /var/lib/rollout/files -type f -exec stat -c "%a %u" {} +';
      expect((await lab().exec(host, ['sh', '-c', files])).stdout).toBe('400 1000\n400 1000\n');
      expect(await differences(docker, service(written))).toEqual([]);

      const context = {
        ...serviceContext(),
        secrets: new Map([['db_password', new Secret('db_password', 'another')]]),
      };
      const changed = service(written, 'app', context);
      expect(await differences(docker, changed)).toEqual(['secrets./run/secrets/db_password']);
      await apply(docker, changed);
      await lab().exec(host, ['sh', '-c', 'find /var/lib/rollout/files -type f -exec touch -d "1 hour ago" {} +']);
      await docker.sweepFiles();
      const left = await lab().exec(host, ['sh', '-c', 'cat /var/lib/rollout/files/*/* | sort']);
      expect(left.stdout).toBe('another\nlevel=1\n');

      // A version that fails and is taken back leaves nothing, however new its files are; what is mounted stays.
      const failing = service(written, 'app', {
        ...serviceContext(),
        secrets: new Map([['db_password', new Secret('db_password', 'of the failed version')]]),
      });
      await docker.create(failing, 'app.next', {});
      await docker.sweepFiles([failing]);
      expect((await lab().exec(host, ['sh', '-c', 'cat /var/lib/rollout/files/*/* | sort'])).stdout).toContain(
        'failed',
      );
      await docker.remove('app.next');
      await docker.sweepFiles([failing]);
      const kept = await lab().exec(host, ['sh', '-c', 'cat /var/lib/rollout/files/*/* | sort']);
      expect(kept.stdout).toBe('another\nlevel=1\n');
      await docker.remove('app');
      await lab().exec(host, ['sh', '-c', 'find /var/lib/rollout/files -type f -exec touch -d "1 hour ago" {} +']);
      await docker.sweepFiles();
      expect((await lab().exec(host, ['find', '/var/lib/rollout/files', '-type', 'f'])).stdout).toBe('');
    });

    test('a secret variable is the process’s, and nowhere in a process list or on a disk of the host but in docker’s own files', async () => {
      const context = {
        ...serviceContext(),
        secrets: new Map([['token', new Secret('token', 'xyzzy plugh "1" #2 \\3')]]),
      };
      await apply(docker, service({ image, environment: { TOKEN: { secret: 'token' } } }, 'app', context));
      await docker.carryOut([startStep('app')]);
      expect(await lab().docker(host, ['exec', 'app', 'sh', '-c', 'printf %s "$TOKEN"'])).toBe(
        'xyzzy plugh "1" #2 \\3',
      );
      const found = await lab().exec(host, [
        'grep',
        '-rlF',
        'xyzzy plugh',
        '/root',
        '/home',
        '/run',
        '/tmp',
        '/etc',
        '/var/lib/rollout',
      ]);
      expect(found.stdout.split('\n').filter((line) => !/^(?:\/run\/(?:docker|containerd)\/|$)/.test(line))).toEqual(
        [],
      );
    });

    test('a network and a volume that docker made from a definition do not differ from it, and every change of it shows', async () => {
      const network = {
        driver: 'bridge',
        driver_opts: { 'com.docker.network.driver.mtu': '1400' },
        internal: true,
        attachable: true,
        labels: { tier: 'web', empty: null },
        ipam: {
          driver: 'default',
          config: [
            {
              subnet: '10.232.0.0/24',
              ip_range: '10.232.0.128/25',
              gateway: '10.232.0.1',
              aux_addresses: { a: '10.232.0.9' },
            },
          ],
        },
      };
      const volume = { driver_opts: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' }, labels: { keep: 'yes' } };
      await docker.createNetwork(specOf(parseNetwork('compared', network)));
      await docker.createVolume(specOf(parseVolume('compared', volume)));
      const read = () =>
        docker.observe({ names: [], images: [], networks: ['compared', 'nowhere'], volumes: ['compared'] });
      const { networkDocuments, volumeDocuments } = await read();
      const networkPaths = (change: object) =>
        networkDifferences(
          specOf(parseNetwork('compared', { ...network, ...change })),
          networkDocuments?.get('compared') ?? {},
        ).map(({ path }) => path);
      const volumePaths = (change: object) =>
        volumeDifferences(
          specOf(parseVolume('compared', { ...volume, ...change })),
          volumeDocuments?.get('compared') ?? {},
        ).map(({ path }) => path);
      expect([...(networkDocuments ?? [])].map(([name]) => name)).toEqual(['compared']);
      expect([networkPaths({}), volumePaths({})]).toEqual([[], []]);
      expect([
        networkPaths({ driver: 'macvlan' }),
        networkPaths({ driver_opts: {} }),
        networkPaths({ internal: false }),
        networkPaths({ attachable: undefined }),
        networkPaths({ enable_ipv6: true }),
        networkPaths({ labels: { tier: 'db', other: 'x' } }),
        networkPaths({ ipam: { config: [{ subnet: '10.233.0.0/24', gateway: '10.232.0.1' }] } }),
        networkPaths({ ipam: { config: [{ subnet: '10.232.0.0/24' }, { subnet: '10.234.0.0/24' }] } }),
        volumePaths({ driver: 'nfs' }),
        volumePaths({ driver_opts: { type: 'tmpfs', device: 'tmpfs', o: 'size=2m' } }),
        volumePaths({ labels: {} }),
      ]).toEqual([
        ['driver'],
        ['driver_opts.com.docker.network.driver.mtu'],
        ['internal'],
        ['attachable'],
        ['enable_ipv6'],
        ['labels.empty', 'labels.other', 'labels.tier'],
        ['ipam.config.0.subnet'],
        ['ipam.config'],
        ['driver'],
        ['driver_opts.o'],
        ['labels.keep'],
      ]);
    });

    test('an error is in docker’s words, with its kind', async () => {
      await expect(docker.carryOut([startStep('nobody')])).rejects.toMatchObject({
        kind: 'not_found',
        message: 'No such container: nobody',
      });
      await apply(docker, service({ image, ports: ['18500:80'] }));
      await docker.carryOut([startStep('app')]);
      await docker.create(service({ image, ports: ['18500:80'] }, 'other'), 'other', {});
      await expect(docker.carryOut([startStep('other')])).rejects.toMatchObject({ kind: 'port_in_use' });
      await expect(docker.carryOut([renameStep('other', 'app')])).rejects.toMatchObject({ kind: 'conflict' });
      await expect(
        docker.create(service({ image, networks: ['backend', 'nowhere'] }, 'third'), 'third', {}),
      ).rejects.toMatchObject({ kind: 'not_found' });
      expect((await docker.observe({ names: ['third'], images: [] })).containers.has('third')).toBe(false);
      await docker.remove('other');
      await docker.remove('other');
    });
  },
  { hosts: 1 },
);

/** Under systemd hosts have cgroups of version 2, and no controller that the machine keeps for version 1. */
async function holdsLimits(docker: Docker): Promise<boolean> {
  const { stdout } = await docker.run(['docker', 'info', '--format', '{{.MemoryLimit}}']);
  return stdout.trim() === 'true';
}

function specOf({ spec, problems }: ReturnType<typeof parseNetwork>): NetworkSpec {
  if (spec === undefined) throw new Error(problems.map(({ message }) => message).join('\n'));
  return spec;
}

async function containerOf(docker: Docker): Promise<Container> {
  const container = (await docker.observe({ names: ['app'], images: [] })).containers.get('app');
  if (container === undefined) throw new Error('there is no container app');
  return container;
}
