import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { findEnds, listRuns, readRun } from '../../../src/store/runs.ts';
import { openJournal } from '../../../src/store/journal.ts';
import { keepLog } from '../../../src/store/kept-log.ts';

// Who else can write in the state folder must not choose what is written, or what `resume` and `rollback` do.
let dir = '';
let outside = '';
beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), 'rollout-own-'));
  dir = join(root, 'runs');
  outside = join(root, 'outside');
  writeFileSync(outside, 'theirs\n');
});
afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true }));

const isRoot = process.geteuid?.() === 0;
const somebody = 12_345;
const event = (run: string): Event => ({ v: 1, type: 'warning', at: 1, run, message: 'ours' });

/** Writes a run as it is; resolves to what was warned of. */
function write(run: string): readonly string[] {
  const warnings: string[] = [];
  const journal = openJournal(dir, run, (message) => warnings.push(message));
  journal.append(event(run));
  journal.close();
  return warnings;
}

/** What may stand in the place of a run's journal. */
const odd: readonly (readonly [what: string, why: RegExp, lay: (path: string) => void])[] = [
  ['a link to a file', /is a link/, (path) => symlinkSync(outside, path)],
  ['a link to nothing', /is a link/, (path) => symlinkSync(`${outside}-not`, path)],
  ['a link to a device', /is a link/, (path) => symlinkSync('/dev/zero', path)],
  ['a pipe', /is no plain file/, (path) => void execFileSync('mkfifo', [path])],
  ['a folder', /is no plain file|EISDIR/, (path) => mkdirSync(path)],
  ...(isRoot
    ? ([
        [
          "somebody else's file",
          /belongs to another user \(uid 12345\)/,
          (path: string) => {
            writeFileSync(path, `${JSON.stringify(event('theirs'))}\n`);
            chownSync(path, somebody, somebody);
          },
        ],
      ] as const)
    : []),
];

test.each(odd)('%s in the place of a journal is not written to: the run goes on and says so', (_, why, lay) => {
  mkdirSync(dir);
  lay(join(dir, 'run.jsonl'));
  const warnings = write('run');
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(why);
  expect(readFileSync(outside, 'utf8')).toBe('theirs\n');
  expect(existsSync(`${outside}-not`)).toBe(false);
});

test.each(odd)('%s in the place of a journal is no run: the newest is the newest of our own', async (_, why, lay) => {
  expect(write('20261120-1')).toEqual([]);
  lay(join(dir, '20261127-9.jsonl'));
  expect((await listRuns(dir, 20)).map(({ id }) => id)).toEqual(['20261120-1']);
  expect((await findEnds(dir, '')).id).toBe('20261120-1');
  await expect(readRun(dir, '20261127')).rejects.toThrow(why);
});

test('a folder in which everybody may write is made its owner’s', () => {
  mkdirSync(dir);
  chmodSync(dir, 0o777);
  expect(write('run')).toEqual([]);
  expect((statSync(dir).mode & 0o777).toString(8)).toBe('755');
});

test.runIf(isRoot)('a folder of somebody else gets no journal', () => {
  mkdirSync(dir);
  chownSync(dir, somebody, somebody);
  expect(write('run')).toEqual([expect.stringContaining(`${dir} belongs to another user (uid 12345)`)]);
  expect(existsSync(join(dir, 'run.jsonl'))).toBe(false);
});

test.each([
  ['a link', (path: string) => symlinkSync(outside, path)],
  ['a pipe', (path: string) => void execFileSync('mkfifo', [path])],
  ['a folder', (path: string) => mkdirSync(path)],
])('%s in the place of a kept log is not written to', (_, lay) => {
  mkdirSync(join(dir, 'run'), { recursive: true });
  lay(join(dir, 'run', 'h1.log'));
  expect(keepLog(dir, 'run', 'h1', ['ours'])).toBeUndefined();
  expect(readFileSync(outside, 'utf8')).toBe('theirs\n');
});

test('a link in the place of a kept log’s folder leads nowhere', () => {
  mkdirSync(dir);
  mkdirSync(join(dir, '..', 'elsewhere'));
  symlinkSync(join(dir, '..', 'elsewhere'), join(dir, 'run'));
  expect(keepLog(dir, 'run', 'h1', ['ours'])).toBeUndefined();
  expect(existsSync(join(dir, '..', 'elsewhere', 'h1.log'))).toBe(false);
});
