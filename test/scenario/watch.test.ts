import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { startLoad } from '../../src/sandbox/load.ts';
import { systemClock, systemSurroundings } from '../../src/api/surroundings.ts';
import { watchPlaybook } from '../../src/api/watch/watcher.ts';
import type { Event } from '../../src/events/event.ts';
import type { WatchEvent } from '../../src/events/watch-event.ts';
import type { Clock } from '../../src/model/clock.ts';
import { assertPublished, runRollout, type RunningRollout } from '../support/rollout.ts';
import { startStage, type Stage } from './support/stage.ts';

let stage: Stage;
let playbook: string;
/** By the name that the story has for it. */
const digests = new Map<string, string>();

beforeAll(async () => {
  // The bundler puts it into what is built.
  vi.stubGlobal('__ROLLOUT_VERSION__', 'test');
  stage = await startStage({ hosts: 3 });
  playbook = await stage.playbook(await push('1'));
});
afterAll(async () => {
  vi.unstubAllGlobals();
  await stage.close();
});

/** Puts a version under the tag that is watched. */
async function push(version: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const image = await stage.fleet.publish('shop/app', 'dev', { APP_VERSION: version, ...env });
  const url = `http://${stage.fleet.registry}/v2/shop/app/manifests/dev`;
  const digest = (await fetch(url, { method: 'HEAD' })).headers.get('docker-content-digest') ?? '';
  digests.set(digest, version);
  return image;
}

/** What a watch said, in short, and the runs between. */
function storyOf(output: { readonly events: readonly unknown[] }): readonly string[] {
  const name = (digest: string): string => digests.get(digest) ?? digest;
  return output.events.flatMap((said): string[] => {
    const event = said as WatchEvent | { readonly type: 'run_started'; readonly command: string };
    switch (event.type) {
      case 'watch_changed':
        return event.changes
          .filter(({ tag }) => tag.endsWith('app:dev'))
          .map(({ from, to }) => `app ${from.map(name).join('+') || '-'} → ${name(to)}`);
      case 'watch_held':
        return [`held ${name(event.hold.digest)}: ${event.hold.reason}`];
      case 'watch_ran':
        return [
          `${event.verdict}, exit ${event.exitCode}${event.bad.map((digest) => `, bad ${name(digest)}`).join('')}`,
        ];
      case 'watch_trouble':
        return [`trouble: ${event.subject.replace(stage.fleet.registry, 'R')}`];
      case 'watch_recovered':
        return [`well: ${event.subject.replace(stage.fleet.registry, 'R')}`];
      case 'watch_resumed':
        return ['resumed'];
      case 'watch_stopped':
        return [`stopped by ${event.by}`];
      case 'run_started':
        return [event.command];
      default:
        return [];
    }
  });
}

const said = (watch: RunningRollout, type: WatchEvent['type'], times = 1): Promise<unknown> => {
  let seen = 0;
  return watch.event((event) => (event.type as string) === type && (seen += 1) === times);
};

/** Which version each host runs. */
async function running(): Promise<string> {
  const label = '{{index .Config.Labels "rollout.image"}}';
  const images = stage.fleet.hosts.map((host) =>
    stage.fleet.docker(host, ['container', 'inspect', '--format', label, 'app']),
  );
  return (await Promise.all(images)).map((image) => digests.get(image.trim().split('@')[1] ?? '') ?? '?').join(' ');
}

/** What a watch has left for Prometheus; of its last run the two lines that say how it went. */
async function metricsOf(file: string): Promise<readonly string[]> {
  const lines = (await readFile(join(stage.cwd, file), 'utf8')).split('\n');
  return lines
    .filter((line) => /^rollout_(?:watch_|run_(?:success|exit_code))/.test(line))
    .map((line) => line.replace(/^rollout_|\{[^}]*\}/g, '').replace(/ \d{10}(?:\.\d+)?$/, ' TIME'));
}

const runs = async (): Promise<number> => (await readdir(join(stage.cwd, '.rollout/runs'))).length;

test('a pushed image is rolled out without a lost request, a broken one is sent back and never tried again', async () => {
  const first = await stage.rollout('watch', playbook, '--once');
  expect([first.exitCode, ...storyOf(first)]).toEqual([0, 'app - → 1', 'run', 'done, exit 0']);
  expect(await running()).toBe('1 1 1');
  const again = await stage.rollout('watch', playbook, '--once');
  expect([again.exitCode, ...storyOf(again)]).toEqual([0]);

  const watch = stage.start('watch', playbook, '--every', '1s', '--metrics', 'watch.prom');
  await said(watch, 'watch_started');
  const load = startLoad({ url: stage.fleet.frontendUrl, connections: 4, slowShare: 0, thinkMs: 5 });
  await push('2');
  await said(watch, 'watch_ran');
  const { failed } = await load.stop();
  expect([failed, await running()]).toEqual([0, '2 2 2']);
  await push('3', { APP_FAULT: 'crash' });
  await said(watch, 'watch_ran', 2);
  expect(await running()).toBe('2 2 2');
  const before = await runs();
  await stage.fleet.sandbox.registry.stop();
  await said(watch, 'watch_trouble', 2);
  await stage.fleet.sandbox.registry.listen();
  await said(watch, 'watch_recovered', 2);
  expect(await runs()).toBe(before);
  await push('4');
  await said(watch, 'watch_ran', 3);
  await push('3', { APP_FAULT: 'crash' });
  await said(watch, 'watch_held');
  watch.process.kill('SIGTERM');
  const end = await watch.finished;
  expect([end.exitCode, ...storyOf(end)]).toEqual([
    0,
    'app 1 → 2',
    'run',
    'done, exit 0',
    'app 2 → 3',
    'run',
    'bad, exit 5, bad 3',
    'trouble: R/shop/app:dev',
    'trouble: R/shop/health:1',
    'well: R/shop/app:dev',
    'well: R/shop/health:1',
    'app 2 → 4',
    'run',
    'done, exit 0',
    'held 3: bad',
    'stopped by SIGTERM',
  ]);
  expect(await running()).toBe('4 4 4');
  expect(await metricsOf('watch.prom')).toEqual([
    'watch_check_timestamp_seconds TIME',
    'watch_check_success 1',
    'watch_change_timestamp_seconds TIME',
    'watch_runs_started_total 3',
    'watch_runs_failed_total 1',
    'watch_images_skipped_total 1',
    'run_success 1',
    'run_exit_code 0',
  ]);

  const other = await runRollout(['watch', playbook, '--once', '--output', 'json'], {
    script: inject('rolloutScript'),
    cwd: stage.cwd,
    env: { ROLLOUT_STATE_DIR: join(stage.cwd, 'another-controller') },
  });
  expect([other.exitCode, ...storyOf(other)]).toEqual([0, 'held 3: bad']);
  expect(other.stdout).toContain(`"run":"${String(end.events.find((event) => event.type === 'node_failed')?.run)}"`);
}, 120_000);

test('a watch that is killed in the middle of a run goes on with that run, and begins no second one', async () => {
  await push('5');
  const watch = stage.start('watch', playbook, '--every', '1s');
  await watch.event(({ type }) => type === 'node_started');
  watch.process.kill('SIGKILL');
  await watch.finished;
  const next = await stage.rollout('watch', playbook, '--once');
  expect([next.exitCode, ...storyOf(next)]).toEqual([0, 'resumed', 'resume', 'done, exit 0']);
  expect(await running()).toBe('5 5 5');
  const again = await stage.rollout('watch', playbook, '--once');
  expect([again.exitCode, ...storyOf(again)]).toEqual([0]);
}, 120_000);

test('in a freeze, and outside its window, what is pushed waits', async () => {
  const before = await running();
  const freezes = [{ from: '2020-01-01', to: '2099-01-01', reason: 'holidays' }];
  const frozen = await stage.playbook(await push('6'), { file: 'frozen', top: { freezes } });
  const watch = await stage.rollout('watch', frozen, '--once');
  expect([watch.exitCode, ...storyOf(watch)]).toEqual([7, 'trouble: the window']);
  expect(watch.stdout).toContain('holidays');
  expect(await running()).toBe(before);
}, 60_000);

test('what its hosts or its playbook did is not held against an image: it is tried again, and held back by nobody', async () => {
  const before = await running();
  const image = await push('7');
  const task = (command: string) => ({ play: { pre_tasks: [{ name: 'ready', command }] } });
  const failing = await stage.playbook(image, { file: 'tasked', ...task('false') });
  const first = await stage.rollout('watch', failing, '--once');
  expect([first.exitCode, ...storyOf(first)]).toEqual([
    5,
    ...[`app ${before.split(' ')[0] ?? ''} → 7`, 'run', 'again, exit 5'],
  ]);
  expect(await running()).toBe(before);
  await stage.playbook(image, { file: 'tasked', ...task('true') });
  const next = await stage.rollout('watch', failing, '--once');
  expect([next.exitCode, storyOf(next).at(-1), await running()]).toEqual([0, 'done, exit 0', '7 7 7']);
}, 60_000);

const window = { days: ['sat'], from: '02:00', to: '04:30', timezone: 'Europe/Amsterdam' };
const closingMs = Date.parse('2026-11-28T03:30:00Z');
const weekMs = 7 * 86_400_000;

test('a run that the end of its window has paused is gone on with at the next opening, by the clock, and not before', async () => {
  const patient = { progress_deadline: '1h', healthy_deadline: '1h', drain: { timeout: '1h' } };
  const playbook = await stage.playbook(await push('8'), { file: 'timed', top: { window }, strategy: patient });
  let aheadMs = 0;
  const now = (): number => systemClock.now() + aheadMs;
  const moveTo = (atMs: number): void => void (aheadMs = atMs - systemClock.now());
  const clock: Clock = { now, sleep: (delayMs, signal) => systemClock.sleep(delayMs, signal) };
  const surroundings = { ...systemSurroundings(), cwd: stage.cwd, homeDir: stage.cwd, clock };
  /** One look at that time; `onEvent` hears its run. */
  const look = async (atMs: number, onEvent: (event: Event) => void = () => undefined): Promise<readonly unknown[]> => {
    moveTo(atMs);
    const events: (WatchEvent | Event)[] = [];
    const say = (event: WatchEvent | Event): void => {
      assertPublished(event);
      events.push(event);
    };
    const exitCode = await watchPlaybook(playbook, {
      ...{ ...surroundings, everyMs: undefined, minAgeMs: 0 },
      signal: new AbortController().signal,
      onWatchEvent: say,
      roll: async (open) => {
        const run = await open({
          ...surroundings,
          onEvent: (event) => {
            say(event);
            onEvent(event);
          },
        });
        try {
          return (await run.start()).exitCode;
        } finally {
          await run.close();
        }
      },
    });
    return [exitCode, ...storyOf({ events }), await running()];
  };

  expect(
    await look(closingMs - 50_000, (event) => {
      if (event.type === 'node_started' && event.host === 'h2') moveTo(closingMs);
    }),
  ).toEqual([7, 'app 7 → 8', 'run', 'closed, exit 7', '8 8 7']);
  expect(await look(closingMs + 60_000)).toEqual([7, 'trouble: the window', '8 8 7']);
  // Tags that move meanwhile wait for the run that is half way.
  await push('9');
  expect(await look(closingMs + weekMs - 3_600_000)).toEqual([
    0,
    'resumed',
    'resume',
    'done, exit 0',
    'app 8 → 9',
    'run',
    'done, exit 0',
    '9 9 9',
  ]);
  expect(await look(closingMs + weekMs - 3_000_000)).toEqual([0, '9 9 9']);
}, 60_000);
