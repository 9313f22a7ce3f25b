import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { differing, taskCases, vars, type CasePart } from '../../differential/task-cases.ts';
import { archivePrograms, installPrograms } from '../../support/apt-get.ts';
import { localPlaybook, runLocally } from '../../support/local-tasks.ts';
import { outcomesOf, prepare, tasksOf, write, type CaseOutcome } from '../../support/task-cases.ts';

const recorded = JSON.parse(readFileSync(new URL('../../cases/tasks/ansible.json', import.meta.url), 'utf8')) as {
  readonly version: string;
  readonly cases: Readonly<Record<string, CaseOutcome>>;
};

// Recorded as root: owners can be compared only as root.
describe.runIf(process.getuid?.() === 0)(`tasks as ${recorded.version} carried them out`, () => {
  const side = mkdtempSync(join(tmpdir(), 'rollout-tasks-'));
  const umask = process.umask(0o022);
  let outcomes: Readonly<Record<string, CaseOutcome>> = {};

  beforeAll(async () => {
    installPrograms(archivePrograms);
    prepare(side);
    write(side, { 'playbook.yaml': localPlaybook(tasksOf(side), { vars }) });
    const options = {
      playbook: 'playbook.yaml',
      inventories: [],
      extraVars: [],
      tags: [],
      skipTags: [],
      become: false,
    };
    const ran = await runLocally({ ...options, env: { PATH: process.env['PATH'] }, cwd: side });
    if (ran.failed !== undefined) throw new Error(ran.failed);
    outcomes = outcomesOf(Object.fromEntries(ran.values), side);
  }, 480_000);
  afterAll(() => {
    process.umask(umask);
    rmSync(side, { recursive: true, force: true });
  });

  test('every case was recorded', () => {
    expect(Object.keys(recorded.cases)).toEqual(taskCases.map(({ name }) => name));
  });

  test.each(taskCases.map(({ name }) => name).filter((name) => differing[name] === undefined))('%s', (name) => {
    expect(outcomes[name]).toEqual(recorded.cases[name]);
  });

  test.each(Object.keys(differing))('%s: differs, on purpose, in what is said and in nothing else', (name) => {
    const parts = (of: CaseOutcome | undefined): [CasePart, unknown][] => [
      ...(['_check', '', '_again'] as const).map((run): [CasePart, unknown] => [run, of?.runs[run]]),
      ['tree', of?.tree],
    ];
    const expected = new Map(parts(recorded.cases[name]));
    const unequal = parts(outcomes[name]).filter(([part, found]) => !isDeepStrictEqual(found, expected.get(part)));
    expect(outcomes[name]).toBeDefined();
    expect(unequal.map(([part]) => part)).toEqual(differing[name]?.in);
  });

  test('how many of them there are', () => {
    const onPurpose = Object.keys(differing).length;
    process.stdout.write(
      `\ntasks against ${recorded.version}: ${taskCases.length} cases, ${taskCases.length - onPurpose} equal, ${onPurpose} different on purpose\n`,
    );
    expect(taskCases.length).toBeGreaterThanOrEqual(150);
  });
});
