import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { MetricsFile } from '../../../src/cli/watch-metrics.ts';
import type { WatchEventBody } from '../../../src/events/watch-event.ts';
import { formatMetrics } from '../../../src/render/records/metrics.ts';
import { streams } from '../../support/event-streams.ts';
import { memoryStream } from '../../support/memory-stream.ts';

const atMs = Date.UTC(2026, 10, 27, 2, 0, 0);
const playbook = 'playbooks/dev "a".yaml';

interface Watched {
  readonly folder: string;
  readonly file: MetricsFile;
  readonly say: (event: WatchEventBody) => void;
  readonly text: () => Promise<string>;
  readonly said: () => string;
}

async function watched(name = 'watch.prom'): Promise<Watched> {
  const folder = await mkdtemp(join(tmpdir(), 'rollout-watch-metrics-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const stderr = memoryStream();
  const file = new MetricsFile(playbook, name, { cwd: folder, stderr });
  return {
    folder,
    file,
    say: (event) => file.note({ v: 1, at: atMs, ...event }),
    text: async () => {
      await file.written;
      return await readFile(join(folder, name), 'utf8');
    },
    said: () => stderr.text().replaceAll(folder, 'FOLDER'),
  };
}

const ran = (exitCode: number): WatchEventBody => ({
  type: 'watch_ran',
  run: undefined,
  exitCode,
  verdict: exitCode === 0 ? 'done' : 'again',
  bad: [],
});

test('a look is there at once, with when it was, and nothing of runs that have not been', async () => {
  const { file, text, folder } = await watched();
  file.noteLook(atMs, false);
  expect(await text()).toBe(`# HELP rollout_watch_check_timestamp_seconds When the tags were last looked at.
# TYPE rollout_watch_check_timestamp_seconds gauge
rollout_watch_check_timestamp_seconds{playbook="playbooks/dev \\"a\\".yaml"} 1795744800
# HELP rollout_watch_check_success Whether every tag could be looked at then.
# TYPE rollout_watch_check_success gauge
rollout_watch_check_success{playbook="playbooks/dev \\"a\\".yaml"} 0
# HELP rollout_watch_runs_started_total Runs since the watch began.
# TYPE rollout_watch_runs_started_total counter
rollout_watch_runs_started_total{playbook="playbooks/dev \\"a\\".yaml"} 0
# HELP rollout_watch_runs_failed_total Runs since the watch began that failed.
# TYPE rollout_watch_runs_failed_total counter
rollout_watch_runs_failed_total{playbook="playbooks/dev \\"a\\".yaml"} 0
# HELP rollout_watch_images_skipped_total Images not rolled out since they had been sent back before.
# TYPE rollout_watch_images_skipped_total counter
rollout_watch_images_skipped_total{playbook="playbooks/dev \\"a\\".yaml"} 0
`);
  expect(await readdir(folder)).toEqual(['watch.prom']);
  // The collector is another user.
  expect((await stat(join(folder, 'watch.prom'))).mode & 0o777).toBe(0o644);
});

test('runs are counted by how they ended, and the last one is there as `run --metrics` writes it', async () => {
  const { file, say, text } = await watched();
  const heard: string[] = [];
  const hooks = file.hearing({ onEvent: ({ type }) => heard.push(type) });
  const events = streams.canaryFails();
  for (const exitCode of [0, 1, 2, 3, 4, 5, 6, 7, 130]) {
    say({ type: 'watch_changed', changes: [] });
    for (const event of events) hooks.onEvent(event);
    say(ran(exitCode));
  }
  say({ type: 'watch_held', hold: { tag: 'app:dev', digest: 'sha256:1', reason: 'bad' } });
  say({ type: 'watch_held', hold: { tag: 'app:dev', digest: 'sha256:2', reason: 'young' } });
  say({ type: 'watch_resumed', run: 'r' });
  // Refused before it began: what the run before it has left stays.
  say(ran(2));
  const found = await text();
  const values = [...found.matchAll(/^rollout_watch_(\w+)\{.*\} (\d+)$/gm)].map(
    ([, name, value]) => `${name} ${value}`,
  );
  expect(values).toEqual([
    'change_timestamp_seconds 1795744800',
    'runs_started_total 10',
    'runs_failed_total 6',
    'images_skipped_total 1',
  ]);
  expect(found.endsWith(`\n${formatMetrics(events)}`)).toBe(true);
  expect(heard).toHaveLength(9 * events.length);
});

test('what cannot be written is said once, and again only when it has been well in between', async () => {
  const { file, said } = await watched('.');
  for (let look = 0; look < 3; look += 1) {
    file.noteLook(atMs, true);
    await file.written;
  }
  expect(said().match(/^rollout: the metrics file FOLDER cannot be written: /gm)).toHaveLength(1);
});
