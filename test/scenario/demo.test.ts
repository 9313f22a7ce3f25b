import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { runRollout, startRollout } from '../support/rollout.ts';

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'rollout-demo-'));
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

// Everything that the demo writes goes below TMPDIR.
const options = () => ({ script: inject('rolloutScript'), cwd: scratch, env: { TMPDIR: scratch } });

test('the demo rolls six hosts, stops a bad release, loses no request and leaves nothing behind', async () => {
  const { exitCode, stdout, stderr } = await runRollout(['demo', '--output', 'plain'], options());
  const ends = [...stdout.matchAll(/^Done: .*|^Failed and rolled back: .*/gm)].map(([line]) =>
    line.replace(/ in [\d.]+ s \(run .*?, /, ' ('),
  );
  const losses = [...stdout.matchAll(/^([\d,]+) requests, ([\d,]+) answered \(.*\), (\d+) lost/gm)];
  expect({ exitCode, stderr, ends }).toEqual({
    exitCode: 0,
    stderr: '',
    ends: ['Done: 6 updated (exit code 0)', 'Failed and rolled back: 1 restored, 5 untouched (exit code 5)'],
  });
  expect(losses.map(([, , , lost]) => lost)).toEqual(['0', '0']);
  expect(losses.every(([, requests, answered]) => requests === answered)).toBe(true);
  expect(await readdir(scratch)).toEqual([]);
});

test('interrupted, the demo brings its nodes to a safe point, ends with 130 and leaves nothing behind', async () => {
  const demo = startRollout(['demo', '--output', 'json'], options());
  await demo.event(({ type, ...event }) => type === 'drain_started' && 'host' in event);
  demo.process.kill('SIGINT');
  const { exitCode, stderr, events } = await demo.finished;
  expect({ exitCode, stderr }).toEqual({
    exitCode: 130,
    stderr: 'rollout demo: interrupted; nothing is left behind\n',
  });
  expect(events.at(-1)).toMatchObject({
    type: 'run_finished',
    outcome: 'interrupted',
    hosts: { h6: { result: 'untouched' } },
  });
  expect(await readdir(scratch)).toEqual([]);
});
