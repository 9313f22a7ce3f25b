import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { registerHistory } from '../../../src/cli/history.ts';
import { registerReport } from '../../../src/cli/report.ts';
import type { Event } from '../../../src/events/event.ts';
import { journalDir, openJournal } from '../../../src/store/journal.ts';
import { formatReport } from '../../../src/render/report/page.ts';
import { streams } from '../../support/event-streams.ts';
import { memoryStream } from '../../support/memory-stream.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rollout-history-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function store(events: readonly Event[]): void {
  const journal = openJournal(journalDir({}, dir), events[0]?.run ?? '', (message) => expect.unreachable(message));
  for (const event of events) journal.append(event);
  journal.close();
}

async function rollout(...args: string[]): Promise<{ printed: string; noted: string }> {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  const world = { env: {}, cwd: dir, stdout: memoryStream(), stderr: memoryStream() };
  registerHistory(program, world);
  registerReport(program, world);
  await program.parseAsync(args, { from: 'user' });
  return { printed: world.stdout.text(), noted: world.stderr.text() };
}

function storeAll(): void {
  for (const stream of Object.values(streams)) store(stream());
  store(
    streams
      .rolling()
      .slice(0, 12)
      .map((event) => ({ ...event, run: '20261121-010101-cut2' })),
  );
}

test('history lists runs newest first, with outcome, time and counts', async () => {
  storeAll();
  await expect((await rollout('history')).printed).toMatchFileSnapshot('../../cases/render/history.txt');
});

test('history as JSON has an object a line', async () => {
  storeAll();
  await expect((await rollout('history', '--output', 'json', '-n', '4')).printed).toMatchFileSnapshot(
    '../../cases/render/history.jsonl',
  );
});

test('a folder without runs has an empty history', async () => {
  expect((await rollout('history')).printed).toBe('No runs yet.\n');
  expect((await rollout('history', '--output', 'json')).printed).toBe('');
});

test('a limit that is no number is refused', async () => {
  await expect(rollout('history', '-n', 'many')).rejects.toThrow(/wanted a number from 1, got many/);
});

test('report writes the page of the run that is named, for its owner only', async () => {
  storeAll();
  const file = join(dir, 'rollout-20261120-151007-b2kd.html');
  expect(await rollout('report', '20261120-151')).toEqual({ printed: `${file}\n`, noted: '' });
  expect(readFileSync(file, 'utf8')).toBe(formatReport(streams.canaryFails()));
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('report without a run takes the newest, and -o - prints it', async () => {
  store(streams.canaryFails());
  store(streams.unchanged());
  expect((await rollout('report', '-o', '-')).printed).toBe(formatReport(streams.unchanged()));
});

test('report says which run it does not know, and where it cannot write', async () => {
  await expect(rollout('report')).rejects.toThrow(`no run: there is no run in ${dir}/.rollout/runs.`);
  storeAll();
  await expect(rollout('report', 'x')).rejects.toThrow(`no run 'x': 'rollout history' lists`);
  await expect(rollout('report', '-o', 'not/there.html')).rejects.toThrow(
    `the report ${dir}/not/there.html cannot be written: ENOENT`,
  );
});
