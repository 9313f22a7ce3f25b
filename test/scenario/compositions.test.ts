import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startStage, warningsOf, type Stage } from './support/stage.ts';

let stage: Stage;
let registry = '';
beforeAll(async () => {
  stage = await startStage({ hosts: 2 });
  registry = stage.fleet.registry;
});
afterAll(() => stage.close());
beforeEach(() => stage.reset());

/** What a command about compositions prints, as data. */
async function composition(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { exitCode, stdout, stderr } = await stage.rollout('composition', ...args);
  if (exitCode !== 0) throw new Error(`ended with ${exitCode ?? '?'}\n${stderr}${stdout}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function refused(...args: readonly string[]): Promise<string> {
  const { exitCode, stderr, stdout } = await stage.plain('composition', ...args);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  return stderr;
}

const digestOf = async (image: string): Promise<string> => {
  const [name = '', tag = ''] = image.slice(registry.length + 1).split(':');
  const response = await fetch(`http://${registry}/v2/${name}/manifests/${tag}`, { method: 'HEAD' });
  return response.headers.get('docker-content-digest') ?? '';
};
const text = (name: string): Promise<string> => readFile(join(stage.cwd, name), 'utf8');

/** A playbook whose services take their images from the composition. */
const playbook = (file: string, composed: string): Promise<string> =>
  stage.playbook('', {
    file,
    appKeys: { image: undefined },
    healthKeys: { image: undefined },
    top: { composition: composed },
    strategy: { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' },
  });

test('a composition is cut, locked, verified, and promoted with the same digests, comments kept', async () => {
  const [app, health] = [await stage.app('cut-1'), `${registry}/shop/health:1`];
  await composition('new', 'c_20261120_1504', `app=${app}`, `health=${health}`, '--source', 'abc123');
  const path = 'compositions/c_20261120_1504.yaml';
  const cut = (await text(path)).replace('components:', '# what is in it\ncomponents:');
  await writeFile(join(stage.cwd, path), cut);
  const [appDigest, healthDigest] = [await digestOf(app), await digestOf(health)];

  expect(await refused('promote', path, '--as', 'rc')).toBe(
    `rollout: ${path} is not locked, and its tags may be other images by now: app, health\n  rollout composition lock ${path}\n`,
  );
  expect(await composition('lock', path)).toMatchObject({ locked: true, newlyLocked: ['app', 'health'] });
  const locked = cut.replace(app, `${app}@${appDigest}`).replace(health, `${health}@${healthDigest}`);
  expect(await text(path)).toBe(locked);
  expect(await composition('lock', path)).toMatchObject({ newlyLocked: [] });

  expect(await composition('verify', path, '--platform', 'linux/amd64')).toMatchObject({
    ok: true,
    platforms: ['linux/amd64'],
    components: [
      { component: 'app', ok: true, digest: appDigest, platforms: ['linux/amd64'] },
      { component: 'health', ok: true, digest: healthDigest },
    ],
  });
  expect(await composition('promote', path, '--as', 'rc', '--tag')).toEqual({
    name: 'rc_20261120_1504',
    file: 'compositions/rc_20261120_1504.yaml',
    from: 'c_20261120_1504',
    created: expect.stringMatching(/^20\d\d-.*Z$/) as string,
    source: 'abc123',
    locked: true,
    components: { app: `${app}@${appDigest}`, health: `${health}@${healthDigest}` },
    new: true,
    tagged: [`${registry}/shop/app:rc_20261120_1504`, `${registry}/shop/health:rc_20261120_1504`],
  });
  expect(await text('compositions/rc_20261120_1504.yaml')).toContain('# what is in it\ncomponents:');
  expect(await digestOf(`${registry}/shop/app:rc_20261120_1504`)).toBe(appDigest);
  // Once more it is the same; another release of that name is refused.
  expect(await composition('promote', path, '--as', 'rc')).toMatchObject({ new: false, tagged: [] });
  await composition('new', 'c_other', '--from', path, `app=${await stage.app('cut-2')}`, '--lock');
  expect(await refused('promote', 'compositions/c_other.yaml', '--as', 'rc', '--name', 'rc_20261120_1504')).toBe(
    'rollout: compositions/rc_20261120_1504.yaml is there already, and is not c_other\n  it differs in app; promote to another --name, or remove the file\n',
  );
});

test('images that one tag cannot name are not tagged, and nothing is written', async () => {
  const [one, two] = [await stage.app('rival-1'), await stage.app('rival-2')];
  await composition('new', 'c_rivals', `web=${one}`, `worker=${two}`, '--lock');
  const path = 'compositions/c_rivals.yaml';
  expect(await refused('promote', path, '--as', 'rc', '--tag')).toBe(
    `rollout: the tag rc_c_rivals cannot name several images of one repository\n` +
      `  ${registry}/shop/app: web, worker have different digests\n` +
      `  promote without --tag: the composition names each image by its digest\n`,
  );
  expect(await digestOf(`${registry}/shop/app:rc_c_rivals`)).toBe('');
  expect(await composition('promote', path, '--as', 'rc')).toMatchObject({ new: true, tagged: [] });
});

test('diff, show and list say what a release changes and what there is', async () => {
  await mkdir(join(stage.cwd, 'others'), { recursive: true });
  const write = (name: string, lines: string) =>
    writeFile(join(stage.cwd, 'others', `${name}.yaml`), `name: ${name}\n${lines}`);
  await write('a', 'created: 2026-11-20T15:04:00Z\ncomponents:\n  app: r.invalid/app:1\n  mail: r.invalid/mail:1\n');
  await write(
    'b',
    'created: 2026-11-21T15:04:00Z\nfrom: a\ncomponents:\n  app: r.invalid/app:2\n  web: r.invalid/web:1\n',
  );
  await write('broken', 'components: 7\n');
  const diff = await stage.plain(
    'composition',
    'diff',
    'others/a.yaml',
    'others/b.yaml',
    '--no-commits',
    '--detailed-exitcode',
  );
  expect([diff.exitCode, diff.stdout]).toEqual([
    10,
    '~  app   1 → 2\n+  web   r.invalid/web:1\n-  mail  r.invalid/mail:1\n1 changed, 1 added, 1 removed, 0 the same\n',
  ]);
  expect(await composition('diff', 'others/a.yaml', 'others/b.yaml', '--no-commits')).toEqual({
    before: 'a',
    after: 'b',
    added: [{ component: 'web', image: 'r.invalid/web:1' }],
    removed: [{ component: 'mail', image: 'r.invalid/mail:1' }],
    changed: [{ component: 'app', from: 'r.invalid/app:1', to: 'r.invalid/app:2' }],
    renamed: [],
    unchanged: [],
  });
  expect((await stage.plain('composition', 'show', 'others/b.yaml')).stdout).toBe(
    [
      'name     b',
      'from     a',
      'created  2026-11-21T15:04:00Z',
      'digests  not locked: app, web',
      '',
      'app  r.invalid/app:2',
      'web  r.invalid/web:1',
      '',
    ].join('\n'),
  );
  const list = await stage.plain('composition', 'list', 'others');
  expect(list.stdout).toBe(
    [
      'composition  created               from  digests     components  last deployed',
      'b            2026-11-21T15:04:00Z  a     not locked  2           -',
      'a            2026-11-20T15:04:00Z  -     not locked  2           -',
      '',
    ].join('\n'),
  );
  expect(list.stderr).toContain('warning: others/broken.yaml:2:13 components: ');
});

test('what runs, and what a run deployed, make the same composition, digest for digest', async () => {
  const app = await stage.app('live-1');
  await composition('new', 'live', `app=${app}`, `health=${registry}/shop/health:1`);
  const file = await playbook('live', join(stage.cwd, 'compositions/live.yaml'));
  expect((await stage.rollout(file)).exitCode).toBe(0);
  const digest = await digestOf(app);
  // The tag moves on: what was deployed is told by its digest.
  await stage.app('live-1', { MOVED: '1' });
  const fromHosts = await composition('new', 'from_hosts', '--from-hosts', file);
  const fromRun = await composition('new', 'from_run', '--from-run', 'latest');
  expect(fromRun['components']).toEqual({
    app: `${app}@${digest}`,
    health: `${registry}/shop/health:1@${await digestOf(`${registry}/shop/health:1`)}`,
  });
  expect(fromHosts['components']).toEqual(fromRun['components']);

  const where = await composition('where', 'compositions/from_run.yaml', '--hosts', file);
  expect(where).toMatchObject({
    runs: [],
    hosts: [
      { host: 'h1', state: 'whole', components: [{ component: 'app', isOfIt: true, composition: 'live' }, {}] },
      { host: 'h2', state: 'whole' },
    ],
  });
  expect(await composition('where', 'compositions/live.yaml')).toMatchObject({
    name: 'live',
    runs: [
      { composition: 'live', outcome: 'changed', hosts: { h1: { result: 'updated' }, h2: { result: 'updated' } } },
    ],
  });
  // Half way through: one host has the next one.
  await composition('new', 'next', '--from', 'compositions/from_run.yaml', 'app=:live-1', '--lock');
  expect((await stage.rollout(file, '-c', 'compositions/next.yaml', '-l', 'h1')).exitCode).toBe(0);
  expect(await composition('where', 'compositions/next.yaml', '--hosts', file)).toMatchObject({
    hosts: [
      { host: 'h1', state: 'whole' },
      { host: 'h2', state: 'part' },
    ],
  });
  const mixed = await refused('new', 'mixed', '--from-hosts', file);
  expect(mixed).toContain(
    'rollout: what runs is no one composition; nothing was written\n  app is not the same everywhere: ',
  );
  const verified = await composition('verify', 'compositions/from_run.yaml', '--hosts', file);
  expect(verified).toMatchObject({
    ok: true,
    platforms: ['linux/amd64'],
    components: [{ component: 'app', digest, tagNow: await digestOf(app) }, { component: 'health' }],
  });
});

test('what a registry lacks is named, image by image, and nothing is written', async () => {
  const there = await stage.app('there');
  const args = [`app=${there}`, `gone=${registry}/shop/app:nothere`, `other=${registry}/shop/nothere:1`];
  await composition('new', 'gaps', ...args);
  const before = await text('compositions/gaps.yaml');
  const locking = await refused('lock', 'compositions/gaps.yaml');
  expect(locking).toContain('rollout: not every component could be locked; nothing was written\n');
  expect(locking).toContain(`gone: there is no ${registry}/shop/app:nothere`);
  expect(locking).toContain(`other: there is no ${registry}/shop/nothere:1`);
  expect(await text('compositions/gaps.yaml')).toBe(before);
  const { exitCode, stdout } = await stage.rollout('composition', 'verify', 'compositions/gaps.yaml');
  expect(exitCode).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, components: [{ ok: true }, { ok: false }, { ok: false }] });
  const arm = await stage.plain('composition', 'verify', 'compositions/gaps.yaml', '--platform', 'linux/arm64');
  expect(arm.stdout).toContain(`${there} has no image for linux/arm64; it has linux/amd64`);
  expect(await refused('new', '../x', `app=${there}`)).toContain('"../x" cannot be a composition\'s name');
  expect(await refused('new', 'gaps', `app=${there}`)).toContain('compositions/gaps.yaml is there already');
  expect(await refused('new', 'z', '--from', 'compositions/gaps.yaml', '--without', 'gon')).toContain(
    'Did you mean gone?',
  );
});

test('rollback --to a composition that was never locked brings back the very images that it was deployed with', async () => {
  const app = await stage.app('floating');
  const health = `${registry}/shop/health:1`;
  await composition('new', 'first', `app=${app}`, `health=${health}`);
  const file = await playbook('floating', join(stage.cwd, 'compositions/first.yaml'));
  expect((await stage.rollout(file)).exitCode).toBe(0);
  const deployed = await digestOf(app);
  await stage.app('floating', { MOVED: 'on' });
  await composition('new', 'second', '--from', 'compositions/first.yaml', `app=${await stage.app('fixed')}`);
  expect((await stage.rollout(file, '-c', 'compositions/second.yaml')).exitCode).toBe(0);

  const back = await stage.rollout('rollback', file, '--to', 'compositions/first.yaml');
  expect(back.exitCode).toBe(0);
  expect(warningsOf(back.events)).toContainEqual(
    expect.stringMatching(/^compositions\/first.yaml is not locked: its tags are the images that run \S+ deployed$/),
  );
  const images = back.events.find((event) => event.type === 'plan_ready')?.components;
  expect(images).toEqual({ app: [`${app}@${deployed}`], health: [`${health}@${await digestOf(health)}`] });
  expect(deployed).not.toBe(await digestOf(app));
  expect(await stage.versions()).toEqual({ h1: 'floating', h2: 'floating' });
});
