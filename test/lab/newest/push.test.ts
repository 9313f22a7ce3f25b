import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { EventOf } from '../../../src/events/event.ts';
import { dockerArchive, ociArchive, type ImageParts } from '../../support/image-archives.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout, type FinishedRollout } from '../../support/rollout.ts';
import { enterHost } from '../support/host.ts';
import { imageConfig, programLayer } from '../support/image.ts';
import { describeOnLab } from '../support/lab-test.ts';
import { tarOf } from '../support/tar.ts';

const megabyte = 1_000_000;
const tag = 'registry.invalid/shop/app:dev';
const healthTag = 'registry.invalid/shop/health:1';

const layerOf = (name: string, bytes: number): Buffer =>
  tarOf([{ kind: 'file', path: name, mode: 0o644, bytes: randomBytes(bytes) }]);

async function writeArchive(
  folder: string,
  name: string,
  form: (parts: ImageParts) => { readonly tar: Buffer; readonly id: string },
  parts: Pick<ImageParts, 'layers' | 'tag'>,
): Promise<{ readonly path: string; readonly id: string }> {
  const config = (diffIds: readonly string[]): object => imageConfig('shop/app', diffIds, { APP_VERSION: name }, []);
  const { tar, id } = form({ ...parts, config });
  const path = join(folder, `${name}.tar`);
  await writeFile(path, tar);
  return { path, id };
}

const pushesOf = ({ events }: FinishedRollout): readonly EventOf<'image_pushed'>[] =>
  events.filter((event): event is EventOf<'image_pushed'> => event.type === 'image_pushed' && event.image === tag);

// No registry has a part in it: there is none of that name.
describeOnLab('images that the controller sends', (lab) => {
  let cwd: string;
  let playbook: string;
  let base: readonly Buffer[];
  /** A `docker` for the controller, which has its images on h1. */
  let bin: string;

  const rollout = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<FinishedRollout> =>
    runRollout([...args, '--output', 'json'], { script: inject('rolloutScript'), cwd, env });

  const imagesRunning = (): Promise<readonly string[]> =>
    Promise.all(
      lab().hosts.map(async (host) => (await lab().docker(host, ['inspect', '--format={{.Image}}', 'app'])).trim()),
    );

  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'rollout-push-'));
    base = [await programLayer(lab().settings), layerOf('data', 195 * megabyte)];
    bin = join(cwd, 'bin');
    await mkdir(bin);
    const strategy = { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' };
    playbook = await writePlaybook(lab(), { app: tag, health: healthTag, strategy });
  });
  afterAll(() => rm(cwd, { recursive: true, force: true }));

  test('of 200 MB of which 5 MB changed each of six hosts is sent the 5 MB, and what runs is exactly the image', async () => {
    const health = await writeArchive(cwd, 'health', dockerArchive, { layers: base.slice(0, 1), tag: healthTag });
    const first = await writeArchive(cwd, '1', dockerArchive, {
      layers: [...base, layerOf('code', 5 * megabyte)],
      tag,
    });
    const push = (path: string): readonly string[] => [
      '--push',
      `${tag}=${path}`,
      '--push',
      `${healthTag}=${health.path}`,
    ];

    const before = await rollout([playbook, ...push(first.path)]);
    expect([before.exitCode, before.stderr]).toEqual([0, '']);
    expect(pushesOf(before).map(({ sentBytes, totalBytes }) => totalBytes - sentBytes < 10 * megabyte)).toEqual(
      lab().hosts.map(() => true),
    );
    expect(await imagesRunning()).toEqual(lab().hosts.map(() => first.id));

    const changed = layerOf('code', 5 * megabyte);
    const second = await writeArchive(cwd, '2', ociArchive, { layers: [...base, changed], tag });
    const after = await rollout([playbook, ...push(second.path)]);
    expect([after.exitCode, after.stderr]).toEqual([0, '']);
    const pushes = pushesOf(after);
    expect(pushes.map(({ host }) => host).sort()).toEqual([...lab().hosts].sort());
    for (const { host, sentBytes, totalBytes } of pushes) {
      process.stderr.write(`${host}: ${sentBytes} of ${totalBytes} bytes sent, ${changed.length} had changed\n`);
      expect(sentBytes).toBe(changed.length);
      expect(sentBytes).toBeLessThanOrEqual(1.2 * 5 * megabyte);
      expect(totalBytes).toBeGreaterThan(200 * megabyte);
    }
    expect(await imagesRunning()).toEqual(lab().hosts.map(() => second.id));

    const again = await rollout([playbook, ...push(second.path)]);
    expect([again.exitCode, again.events.at(-1)]).toMatchObject([0, { type: 'run_finished', outcome: 'unchanged' }]);
    expect(pushesOf(again)).toEqual([]);
  }, 400_000);

  test('a run that sent its images is resumed from the hosts alone with the same --push, and with nothing else', async () => {
    const archives = await Promise.all(
      ['3', '4'].map((name) =>
        writeArchive(cwd, name, dockerArchive, { layers: [...base.slice(0, 1), layerOf(name, 1000)], tag }),
      ),
    );
    const [third, fourth] = archives.map(({ path }) => ['--push', `${tag}=${path}`]);
    const canary = { canary: { hosts: 1, promote: 'manual', bake: '0s' }, max_unavailable: '100%', min_available: 0 };
    const file = await writePlaybook(lab(), { file: 'manual', app: tag, health: healthTag, strategy: canary });
    const health = ['--push', `${healthTag}=${join(cwd, 'health.tar')}`];
    const paused = await rollout([file, ...health, ...(third ?? [])]);
    expect(paused.exitCode, paused.stderr).toBe(7);
    const resume = ['resume', paused.events[0]?.run ?? '', '--from-hosts', file];
    await rm(join(cwd, '.rollout'), { recursive: true, force: true });

    const without = await rollout([...resume, ...health]);
    expect([without.exitCode, without.stderr]).toEqual([
      2,
      expect.stringContaining(`${tag} came from the controller of this run, by --push`) as string,
    ]);
    const other = await rollout([...resume, ...health, ...(fourth ?? [])]);
    const [sent, said] = archives.map(({ id }) => id);
    expect([other.exitCode, other.stderr]).toEqual([
      2,
      expect.stringContaining(`${tag} is ${said ?? ''} here, and this run sends ${sent ?? ''}`) as string,
    ]);
    const done = await rollout([...resume, ...health, ...(third ?? [])]);
    expect(done.exitCode, done.stderr).toBe(0);
    expect(await imagesRunning()).toEqual(lab().hosts.map(() => sent));
  }, 200_000);

  test("images: push takes them from the controller's docker, which here is that of h1", async () => {
    await lab().docker('h1', ['tag', tag, 'registry.invalid/shop/app:next']);
    const next = await writePlaybook(lab(), {
      file: 'next',
      app: 'registry.invalid/shop/app:next',
      health: healthTag,
      top: { images: 'push' },
    });
    const docker = join(bin, 'docker');
    const words = [...(await enterHost(lab().settings, 'h1')), 'docker'];
    await writeFile(docker, `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`);
    await chmod(docker, 0o755);
    const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
    const same = await rollout([next], env);
    expect([same.exitCode, same.events.at(-1)]).toMatchObject([0, { type: 'run_finished', outcome: 'unchanged' }]);

    const missing = await rollout([next, '--push', 'registry.invalid/shop/app:nowhere'], env);
    expect([missing.exitCode, missing.stderr]).toEqual([
      2,
      'rollout: no service of the hosts uses registry.invalid/shop/app:nowhere; --push names an image as a service does, with its tag\n',
    ]);
  }, 200_000);
});

// Docker 29 keeps its images so where nobody says otherwise.
describeOnLab(
  "images that the controller sends to hosts with containerd's store",
  (lab) => {
    let cwd: string;
    let base: readonly Buffer[];
    beforeAll(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'rollout-push-'));
      base = [await programLayer(lab().settings), layerOf('data', 195 * megabyte)];
    });
    afterAll(() => rm(cwd, { recursive: true, force: true }));

    test('of 200 MB of which 5 MB changed each is sent the 5 MB; a layer that came from a registry, compressed, is none of those that it has', async () => {
      expect(await lab().docker('h1', ['info', '--format', '{{json .DriverStatus}}'])).toContain('containerd');
      const strategy = { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' };
      const playbook = await writePlaybook(lab(), { app: tag, health: healthTag, strategy });
      const health = await writeArchive(cwd, 'health', dockerArchive, { layers: base.slice(0, 1), tag: healthTag });
      const rollout = async (path: string): Promise<FinishedRollout> => {
        const args = [playbook, '--push', `${tag}=${path}`, '--push', `${healthTag}=${health.path}`];
        const done = await runRollout([...args, '--output', 'json'], { script: inject('rolloutScript'), cwd });
        expect([done.exitCode, done.stderr], done.stdout).toEqual([0, '']);
        return done;
      };
      const versions = async (): Promise<readonly string[]> => {
        const format = '{{range .Config.Env}}{{println .}}{{end}}';
        const texts = lab().hosts.map((host) => lab().docker(host, ['inspect', '--format', format, 'app']));
        return (await Promise.all(texts)).map((text) => /^APP_VERSION=(.*)$/m.exec(text)?.[1] ?? '?');
      };

      // It has the base already, in a form of its registry's.
      await lab().docker('h1', ['pull', await lab().publish('shop/base', '1')]);
      const first = await writeArchive(cwd, '1', dockerArchive, { layers: [...base, layerOf('code', megabyte)], tag });
      const before = pushesOf(await rollout(first.path));
      expect(before.map(({ sentBytes, totalBytes }) => totalBytes - sentBytes)).toEqual([0, 0]);
      expect(await versions()).toEqual(['1', '1']);

      const changed = layerOf('code', 5 * megabyte);
      const second = await writeArchive(cwd, '2', ociArchive, { layers: [...base, changed], tag });
      const after = await rollout(second.path);
      expect(pushesOf(after).map(({ sentBytes }) => sentBytes)).toEqual(lab().hosts.map(() => changed.length));
      expect(pushesOf(after).every(({ totalBytes }) => totalBytes > 200 * megabyte)).toBe(true);
      expect(await versions()).toEqual(['2', '2']);

      const again = await rollout(second.path);
      expect(again.events.at(-1)).toMatchObject({ type: 'run_finished', outcome: 'unchanged' });
      expect(pushesOf(again)).toEqual([]);
    }, 400_000);
  },
  { hosts: 2, store: 'containerd' },
);
