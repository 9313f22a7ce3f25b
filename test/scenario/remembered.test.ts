import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startStage, story, warningsOf, type Stage } from './support/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ hosts: 3 });
});
beforeEach(async () => {
  await stage.reset();
  await stage.deploy('1');
});
afterAll(() => stage.close());

/** A CI job begins in an empty folder. */
const forget = () => rm(join(stage.cwd, '.rollout'), { recursive: true, force: true });
const files = (host: string) => stage.fleet.sandbox.host(host).machine.files;

async function composition(name: string, image: string): Promise<string> {
  const file = join(stage.fleet.dir, `${name}.yaml`);
  const health = await stage.fleet.publish('shop/health', '1');
  await writeFile(file, JSON.stringify({ name, components: { app: image, health } }));
  return file;
}
async function playbook(strategy: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const services = {
    health: { ports: ['8081:8080'], restart: 'always' },
    app: { ports: ['8080:8080'], restart: 'always', probe: { tcp: { port: 8080 }, interval: '100ms' } },
  };
  return stage.playbook('', { play: { services }, strategy });
}
const digests = async (): Promise<ReadonlySet<string>> => {
  const label = '{{index .Config.Labels "rollout.image"}}';
  const all = stage.fleet.hosts.map((host) =>
    stage.fleet.docker(host, ['container', 'inspect', '--format', label, 'app']),
  );
  return new Set((await Promise.all(all)).map((text) => text.trim()));
};

test('rollback --to a composition of tags, and to a run, find what was deployed on the hosts; history tells who did it', async () => {
  const file = await playbook({ canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0 });
  const image = await stage.app('2');
  const first = await stage.rollout(file, '-c', await composition('rc_1', image));
  const before = await digests();
  expect([first.exitCode, before.size]).toEqual([0, 1]);
  await forget();
  // The tag is pushed over.
  await stage.app('2', { PUSHED: 'over' });
  const second = await stage.rollout(file, '-c', await composition('rc_2', image));
  expect([second.exitCode, await digests()]).not.toEqual([0, before]);
  await forget();

  const back = await stage.rollout('rollback', file, '--to', join(stage.fleet.dir, 'rc_1.yaml'));
  expect({ exitCode: back.exitCode, digests: await digests() }).toEqual({ exitCode: 0, digests: before });
  const run = first.events[0]?.run ?? '';
  expect(warningsOf(back.events)[0]).toMatch(
    new RegExp(
      `its tags are the images that run ${run} deployed; run ${run} is not known here: .*h1, h2, h3 remember$`,
    ),
  );
  await forget();

  const forth = await stage.rollout(
    'rollback',
    file,
    '--to',
    second.events[0]?.run ?? '',
    '-c',
    join(stage.fleet.dir, 'rc_2.yaml'),
  );
  expect({ exitCode: forth.exitCode, isBack: [...(await digests())][0] === [...before][0] }).toEqual({
    exitCode: 0,
    isBack: false,
  });
  await forget();

  const history = await stage.plain('history', '--from-hosts', file, '-c', join(stage.fleet.dir, 'rc_1.yaml'));
  expect(history.stderr).toBe('');
  const rows = history.stdout
    .trim()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  expect(
    rows.slice(0, 4).map(([id, , command, name, , outcome, hosts]) => [id, command, name, outcome, hosts]),
  ).toEqual([
    ['run', 'command', 'composition', 'outcome', 'hosts'],
    [forth.events[0]?.run, 'rollback', 'rc_2', 'changed', 'updated h1…h3'],
    [back.events[0]?.run, 'rollback', 'rc_1', 'changed', 'updated h1…h3'],
    [second.events[0]?.run, 'run', 'rc_2', 'changed', 'updated h1…h3'],
  ]);
  const cut = await stage.plain(
    'composition',
    'new',
    'again',
    '--from-run',
    run,
    '--hosts',
    file,
    '-c',
    join(stage.fleet.dir, 'rc_1.yaml'),
    '--file',
    join(stage.fleet.dir, 'again.yaml'),
  );
  expect({ exitCode: cut.exitCode, stderr: cut.stderr }).toEqual({ exitCode: 0, stderr: '' });

  // One host tells another story: nothing is taken from any.
  const path = `/var/lib/rollout/runs/${run}.json`;
  const told = files('h2').get(path)?.toString() ?? '';
  files('h2').set(path, Buffer.from(told.replaceAll(/sha256:[0-9a-f]{8}/g, 'sha256:00000000')));
  await forget();
  const refused = await stage.plain('rollback', file, '--to', run, '-c', join(stage.fleet.dir, 'rc_1.yaml'));
  expect({ exitCode: refused.exitCode, stderr: refused.stderr }).toEqual({
    exitCode: 2,
    stderr: expect.stringMatching(
      /hosts do not agree on run .*; nothing is taken from them\n.*h1 and h2 differ in its images/s,
    ) as string,
  });
});

test('a run whose controller is gone in its middle is resumed from the hosts alone, with the same digests', async () => {
  const file = await playbook({ max_unavailable: 1 });
  const image = await stage.app('2');
  const release = await composition('rc_3', image);
  const running = stage.start(file, '-c', release);
  await running.event((event) => event.type === 'node_done' && event.host === 'h2');
  running.process.kill('SIGKILL');
  const { events } = await running.finished;
  const run = events[0]?.run ?? '';
  const status = await stage.plain('status', file, '-c', release);
  expect(status.stdout.match(/app .*rc_3/g)).toHaveLength(2);
  const wanted = (await digests()).values();
  await forget();
  await stage.app('2', { PUSHED: 'over' });

  const nobody = await stage.plain('resume', run);
  expect([nobody.exitCode, nobody.stderr]).toEqual([
    2,
    expect.stringContaining('With --from-hosts PLAYBOOK its hosts are asked'),
  ]);
  const limited = await stage.plain('resume', run, '--from-hosts', file, '-l', 'h1', '-c', release);
  expect([limited.exitCode, limited.stderr]).toEqual([
    2,
    expect.stringContaining('give the same -l, -t and --skip-tags'),
  ]);
  const other = await stage.plain('resume', run, '--from-hosts', file, '-c', await composition('rc_4', image));
  expect([other.exitCode, other.stderr]).toEqual([
    2,
    expect.stringContaining('had the composition rc_3, and this is rc_4'),
  ]);

  const resumed = await stage.rollout('resume', run, '--from-hosts', file, '-c', release);
  expect({
    exitCode: resumed.exitCode,
    bakes: story(resumed.events).filter((line) => line.startsWith('bake')),
  }).toEqual({
    exitCode: 0,
    bakes: [],
  });
  expect([...(await digests())]).toEqual([[...wanted].find((each) => each.includes(':2@'))]);
  await forget();
  const again = await stage.plain('resume', resumed.events[0]?.run ?? '', '--from-hosts', file, '-c', release);
  expect([again.exitCode, again.stderr]).toEqual([2, expect.stringMatching(/has ended \(changed\), as h\d remembers/)]);
});
