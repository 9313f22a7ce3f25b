import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { differing, taskCases, vars } from '../../differential/task-cases.ts';
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
  }, 120_000);
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

  test.each(Object.keys(differing))('%s: differs, on purpose', (name) => {
    expect(outcomes[name]).toBeDefined();
    expect(outcomes[name]).not.toEqual(recorded.cases[name]);
    expect(outcomes[name]?.tree).toEqual(recorded.cases[name]?.tree);
  });
});
