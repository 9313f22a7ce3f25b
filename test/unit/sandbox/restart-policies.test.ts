import { expect, test } from 'vitest';
import type { Engine } from '../../../src/sandbox/docker/engine.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { docker, engineWithBusybox } from '../../support/sandbox-docker.ts';

const state = async (engine: Engine, name: string): Promise<string> =>
  (
    await docker(engine, `docker container inspect ${name} --format '{{.State.Status}} {{.State.ExitCode}}'`)
  ).stdout.trim();

/** As on a docker 20.10 host that was switched off and on: before, and what became of it. */
const measured = [
  { policy: 'always', before: 'created', after: 'created 0' },
  { policy: 'always', before: 'running', after: 'running 0' },
  { policy: 'no', before: 'running', after: 'exited 255' },
  { policy: 'always', before: 'stopped', after: 'running 0' },
  { policy: 'unless-stopped', before: 'stopped', after: 'exited 137' },
  { policy: 'unless-stopped', before: 'created', after: 'created 0' },
  { policy: 'on-failure', before: 'stopped', after: 'running 0' },
  { policy: 'on-failure', before: 'running', after: 'running 0' },
  { policy: 'unless-stopped', before: 'running', after: 'running 0' },
];

test('after a power failure exactly those containers run that docker starts again', async () => {
  const engine = engineWithBusybox();
  for (const [index, { policy, before }] of measured.entries()) {
    await docker(engine, `docker create --name c${index} --restart ${policy} t:1`);
    if (before !== 'created') await docker(engine, `docker start c${index}`);
    if (before === 'stopped') await docker(engine, `docker stop -t 0 c${index}`);
  }
  await docker(engine, 'docker create --name parked --restart always t:1');
  await docker(engine, 'docker start parked');
  await docker(engine, 'docker update --restart no parked');
  await docker(engine, 'docker stop -t 0 parked');

  engine.powerOff();
  await engine.powerOn();

  const after = await Promise.all(measured.map((_, index) => state(engine, `c${index}`)));
  expect(after).toEqual(measured.map((row) => row.after));
  expect(await state(engine, 'parked')).toBe('exited 137');
  engine.powerOff();
});

test('a crashing container is restarted after 100, 200, 400 ms …, and `docker stop` ends that', async () => {
  const clock = manualClock(0);
  const engine = engineWithBusybox(clock);
  await docker(engine, 'docker create --name crashes --restart always t:1 false');
  await docker(engine, 'docker start crashes');
  const restarts = async (): Promise<string> =>
    (
      await docker(engine, `docker container inspect crashes --format '{{.RestartCount}} {{.State.Status}}'`)
    ).stdout.trim();
  const seen: string[] = [];
  for (const atMs of [99, 100, 299, 300, 700]) {
    await clock.advanceTo(atMs);
    seen.push(await restarts());
  }
  await docker(engine, 'docker stop crashes');
  await clock.advanceTo(60_000);
  seen.push(await restarts());
  expect(seen).toEqual(['0 restarting', '1 restarting', '1 restarting', '2 restarting', '3 restarting', '3 exited']);
});

test('on-failure:2 gives up after two restarts', async () => {
  const clock = manualClock(0);
  const engine = engineWithBusybox(clock);
  await docker(engine, 'docker create --name fails --restart on-failure:2 t:1 false');
  await docker(engine, 'docker start fails');
  await clock.advanceTo(60_000);
  expect(engine.container('fails')).toMatchObject({ status: 'exited', restartCount: 2, exitCode: 1 });
});

test('a healthcheck makes a container unhealthy after its retries, and healthy again', async () => {
  const clock = manualClock(0);
  const engine = engineWithBusybox(clock);
  await docker(
    engine,
    'docker create --name app --health-cmd false --health-interval 1s --health-retries 2 --health-start-period 2s t:1',
  );
  await docker(engine, 'docker start app');
  const seen: (string | undefined)[] = [engine.container('app').health?.status];
  for (const atMs of [1000, 2000, 3000, 4000]) {
    await clock.advanceTo(atMs);
    seen.push(engine.container('app').health?.status);
  }
  engine.powerOff();
  expect(seen).toEqual(['starting', 'starting', 'starting', 'unhealthy', 'unhealthy']);
});

test('a container whose process has just ended by itself cannot be updated yet', async () => {
  const clock = manualClock(0);
  const engine = engineWithBusybox(clock, { noticeMs: 60 });
  await docker(engine, 'docker create --name ends t:1 sleep 2');
  await docker(engine, 'docker start ends');
  const update = async (): Promise<string> => (await docker(engine, 'docker update --restart always ends')).stderr;
  await clock.advanceTo(2059);
  expect(await update()).toMatch(/^Error response from daemon: Cannot update container \w+: cannot update a stopped/);
  await clock.advanceTo(2060);
  expect(await update()).toBe('');
});

test('a container that waits for its next start cannot be renamed', async () => {
  const clock = manualClock(0);
  const engine = engineWithBusybox(clock);
  await docker(engine, 'docker create --name crashes --restart always t:1 false');
  await docker(engine, 'docker start crashes');
  const rename = async (): Promise<string> => (await docker(engine, 'docker rename crashes ended')).stderr;
  expect(await rename()).toMatch(
    /^Error response from daemon: sandbox [0-9a-f]{64} not found\nError: failed to rename container named crashes\n$/,
  );
  await docker(engine, 'docker stop crashes');
  expect(await rename()).toBe('');
});

test('a daemon that is stopped ends its containers gracefully, refuses commands, and brings them back', async () => {
  const engine = engineWithBusybox();
  await docker(engine, 'docker create --name app --restart unless-stopped t:1 sleep 0.01');
  await docker(engine, 'docker start app');
  await engine.stopDaemon();
  const refused = await docker(engine, 'docker ps');
  await engine.powerOn();
  expect(refused).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n',
  });
  expect(engine.container('app').running).toBe(true);
  engine.powerOff();
});
