import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Docker } from '../../src/docker/docker.ts';
import { createRegistry } from '../../src/docker/registry.ts';
import { parseImageRef, type ImageRef } from '../../src/model/image.ts';
import type { RegistryCredentials } from '../../src/model/play.ts';
import { Secret } from '../../src/model/secret.ts';
import { login, startGuardedRegistry, type GuardedRegistry } from './support/guarded-registry.ts';
import { describeOnLab, emptyLab } from './support/lab-test.ts';
import { remoteOnLab } from './support/services.ts';

const host = 'h1';
const guards = [
  ['htpasswd', 5600],
  ['token', 5610],
] as const;

describeOnLab(
  'registries that ask for a login',
  (lab) => {
    const registries: GuardedRegistry[] = [];
    let docker: Docker;

    beforeAll(async () => {
      await lab().publish('shop/guarded', '1.0');
      docker = new Docker(remoteOnLab(lab(), host));
    });
    afterEach(async () => {
      await Promise.all(registries.splice(0).map((registry) => registry.close()));
    });
    afterAll(() => emptyLab(lab()));

    test('the search finds what it looks for', async () => {
      const left = `{"auth":"${Buffer.from(`deploy:${login.password}`).toString('base64')}"}`;
      await lab().exec(host, [
        'sh',
        '-c',
        `mkdir /run/rollout-pull.left && echo '${left}' >/run/rollout-pull.left/config.json`,
      ]);
      expect(await traces()).toBe('/run/rollout-pull.left/config.json\n/run/rollout-pull.left\n');
      await lab().exec(host, ['rm', '-r', '/run/rollout-pull.left']);
    });

    test.each(guards)('%s: a host pulls with credentials that are nowhere on it afterwards', async (guard, port) => {
      const registry = await start(guard, port);
      const image = imageOf(registry, '1.0');
      const credentials = credentialsOf(registry, login.password);
      const resolved = await createRegistry({ env: {}, registries: [credentials] }).resolve(image);
      expect(resolved.digest).toMatch(/^sha256:[0-9a-f]{64}$/);

      await docker.pull(resolved, credentials);
      const { images } = await docker.observe({
        names: [],
        images: [`${registry.host}/shop/guarded@${resolved.digest ?? ''}`],
      });
      expect([...images.keys()]).toContain(`${registry.host}/shop/guarded@${resolved.digest ?? ''}`);
      expect(await traces()).toBe('');
    });

    test.each(guards)(
      '%s: wrong or missing credentials are an error here and on the host, and leave no trace either',
      async (guard, port) => {
        const registry = await start(guard, port);
        const image = imageOf(registry, '1.0');
        const wrong = credentialsOf(registry, 'hunter2-hunter2');
        await expect(createRegistry({ env: {}, registries: [wrong] }).resolve(image)).rejects.toMatchObject({
          kind: 'unauthorized',
          message: `the registry ${registry.host} refuses the credentials of deploy`,
        });
        const anonymous = { registry: registry.host, insecure: true } as const;
        await expect(createRegistry({ env: {}, registries: [anonymous] }).resolve(image)).rejects.toMatchObject({
          kind: 'unauthorized',
        });
        await expect(docker.pull(image, wrong)).rejects.toMatchObject({ kind: 'registry_auth' });
        await expect(docker.pull(image)).rejects.toMatchObject({ kind: 'registry_auth' });
        await expect(
          docker.pull(imageOf(registry, '9.9'), credentialsOf(registry, login.password)),
        ).rejects.toMatchObject({ kind: 'manifest_unknown' });
        expect(await traces()).toBe('');
      },
    );

    test.each([
      ['as the current one', 'docker context use elsewhere >/dev/null', {}],
      ['by DOCKER_CONTEXT', ':', { DOCKER_CONTEXT: 'elsewhere' }],
      ['by DOCKER_HOST', ':', { DOCKER_HOST: 'unix:///run/elsewhere.sock' }],
      [
        'by DOCKER_HOST, above another context',
        'docker context use nowhere >/dev/null',
        { DOCKER_HOST: 'unix:///run/elsewhere.sock' },
      ],
      [
        'in a config folder of its own',
        'mv /root/.docker /root/.docker-own',
        { DOCKER_CONFIG: '/root/.docker-own', DOCKER_CONTEXT: 'elsewhere' },
      ],
    ])(
      'a login whose docker is another one, %s, pulls with credentials to that one',
      async (_, prepare, env: Readonly<Record<string, string>>) => {
        const registry = await start('htpasswd', 5620);
        const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
        const remote = remoteOnLab(lab(), host);
        const there = new Docker({
          ...remote,
          exec: (argv, options) => remote.exec(['env', ...variables, ...argv], options),
        });
        const onHost = async (script: string): Promise<void> => {
          const { exitCode, stderr } = await lab().exec(host, ['sh', '-ec', script]);
          if (exitCode !== 0) throw new Error(stderr);
        };
        // A daemon that is not where docker looks for it by itself.
        await onHost(`rm -rf /root/.docker* && mv /run/docker.sock /run/elsewhere.sock
docker context create elsewhere --docker host=unix:///run/elsewhere.sock >/dev/null
docker context create nowhere --docker host=unix:///run/nowhere.sock >/dev/null
${prepare}`);
        try {
          const image = imageOf(registry, '1.0');
          await there.pull(image, credentialsOf(registry, login.password));
          expect([...(await there.observe({ names: [], images: [image.written] })).images.keys()]).toContain(
            image.written,
          );
          await there.run(['docker', 'image', 'rm', image.written]);
          await expect(there.pull(image, credentialsOf(registry, 'hunter2-hunter2'))).rejects.toMatchObject({
            kind: 'registry_auth',
          });
          expect(await traces()).toBe('');
        } finally {
          await onHost('mv /run/elsewhere.sock /run/docker.sock; rm -rf /root/.docker*');
        }
      },
    );

    async function start(guard: 'htpasswd' | 'token', port: number): Promise<GuardedRegistry> {
      const registry = await startGuardedRegistry(lab(), guard, port);
      registries.push(registry);
      return registry;
    }

    /** Files of the host that hold a password, or the encoded form in which docker keeps it; and folders of pulls. */
    async function traces(): Promise<string> {
      const words = [login.password, 'hunter2-hunter2'].flatMap((password) => [
        password,
        Buffer.from(`deploy:${password}`).toString('base64'),
      ]);
      const places = ['/root', '/home', '/run', '/tmp', '/etc', '/var/lib/rollout', '/dev/shm'];
      const search = ['grep', '-rlsIF', ...words.map((word) => `-e${word}`), ...places];
      const folders = ['find', '/run', '/dev/shm', '-name', 'rollout-pull*'];
      return (await lab().exec(host, search)).stdout + (await lab().exec(host, folders)).stdout;
    }
  },
  { hosts: 1 },
);

function imageOf(registry: GuardedRegistry, tag: string): ImageRef {
  const image = parseImageRef(`${registry.host}/shop/guarded:${tag}`);
  if (image === undefined) throw new Error('not an image');
  return image;
}

function credentialsOf(registry: GuardedRegistry, password: string): RegistryCredentials {
  return {
    registry: registry.host,
    username: login.username,
    password: new Secret('registry_password', password),
    insecure: true,
  };
}
