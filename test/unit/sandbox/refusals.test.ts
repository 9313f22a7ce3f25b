import { expect, test, vi } from 'vitest';
import type { Engine } from '../../../src/sandbox/docker/engine.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { docker, engineWithBusybox } from '../../support/sandbox-docker.ts';

const said = async (engine: Engine, line: string): Promise<string> => {
  const { stdout, stderr } = await docker(engine, line);
  return withoutIds(stderr === '' ? stdout : stderr).trim();
};
const state = (engine: Engine, name: string): Promise<string> =>
  said(engine, `docker container inspect ${name} --format '{{.State.Status}} {{.State.Running}}'`);
const withoutIds = (text: string): string => text.replace(/\b[0-9a-f]{64}\b/g, 'ID');

// What docker 20.10 says, word for word, ids aside.
const fromDaemon = 'Error response from daemon: ';

test('a container that is being removed answers nothing but its end', async () => {
  const clock = manualClock(0);
  const engine = engineWithBusybox(clock, { removeMs: 500 });
  await docker(engine, 'docker create --name app t:1 sleep 1000');
  const removed = docker(engine, 'docker rm -f app');
  await vi.waitFor(() => expect(clock.sleepers()).toBe(1));
  await clock.advanceTo(499);
  expect(await state(engine, 'app')).toBe('removing false');
  expect(await said(engine, 'docker rm -f app')).toBe(`${fromDaemon}removal of container app is already in progress`);
  expect(await said(engine, 'docker start app')).toContain(
    `${fromDaemon}container is marked for removal and cannot be started`,
  );
  expect(await said(engine, 'docker update --restart no app')).toBe(
    `${fromDaemon}Cannot update container ID: container is marked for removal and cannot be "update"`,
  );
  expect(await said(engine, 'docker create --name app t:1')).toContain(
    'Conflict. The container name "/app" is already',
  );
  await clock.advanceTo(500);
  expect((await removed).exitCode).toBe(0);
  expect(await state(engine, 'app')).toContain('No such container: app');
});

test('a paused container runs on paper, cannot be started, and goes on where it was', async () => {
  const engine = engineWithBusybox();
  expect(await said(engine, 'docker create --name app t:1 sleep 1000')).toBe('ID');
  expect(await said(engine, 'docker pause app')).toBe(`${fromDaemon}Container ID is not running`);
  await docker(engine, 'docker start app');
  expect(await said(engine, 'docker unpause app')).toBe(`${fromDaemon}Container ID is not paused`);
  expect(await said(engine, 'docker pause app')).toBe('app');
  expect(await said(engine, 'docker pause app')).toBe(`${fromDaemon}Container ID is already paused`);
  expect(await state(engine, 'app')).toBe('paused true');
  expect(await said(engine, 'docker start app')).toContain(
    `${fromDaemon}cannot start a paused container, try unpause instead`,
  );
  expect(await said(engine, 'docker unpause app')).toBe('app');
  expect(await state(engine, 'app')).toBe('running true');
  await docker(engine, 'docker pause app');
  expect(await said(engine, 'docker stop -t 0 app')).toBe('app');
  expect(await state(engine, 'app')).toBe('exited false');
});
