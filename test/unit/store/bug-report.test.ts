import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bugText, keepBugReport } from '../../../src/store/bug-report.ts';
import { createProject } from '../../support/project.ts';

const atMs = Date.UTC(2026, 10, 20, 15, 4, 5);
const env = { DB_PASSWORD: 'hunter2hunter2', HOME: '/home/shop', API_TOKEN: 'tok' };

function thrown(): Error {
  const error = new Error('cannot read hunter2hunter2 of postgres://shop:x1y2@db/shop', {
    cause: new TypeError('undefined is no function'),
  });
  error.stack = `Error: ${error.message}\n    at place (file.ts:1:2)`;
  if (error.cause instanceof Error)
    error.cause.stack = 'TypeError: undefined is no function\n    at deeper (file.ts:3:4)';
  return error;
}

test('the trace with its causes, the command without values, and no secret', () => {
  const args = ['plan', 'prod.yaml', '-e', 'password=x', '--limit=h1', '--report', 'x.html'];
  const { node, v8 } = process.versions;
  expect(bugText({ error: thrown(), version: '1.2', args, atMs }, env)).toBe(
    `rollout 1.2, node ${node}, v8 ${v8}, ${process.platform} ${process.arch}
at 2026-11-20T15:04:05.000Z
command: plan … -e … --limit --report …

Error: cannot read [secret DB_PASSWORD] of postgres://shop:[secret]@db/shop
    at place (file.ts:1:2)
TypeError: undefined is no function
    at deeper (file.ts:3:4)
`,
  );
});

test('it lies in the state folder, for its owner only', () => {
  using project = createProject({});
  const file = keepBugReport({ error: thrown(), version: '1.2', args: [], atMs }, env, project.dir) ?? '';
  expect(file).toBe(join(project.dir, '.rollout/bugs/20261120T150405000.txt'));
  expect([statSync(file).mode & 0o777, statSync(join(file, '..')).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(readFileSync(file, 'utf8')).toContain('at deeper (file.ts:3:4)');
});

test('where it cannot be written there is no file, and no error beside the bug', () => {
  using project = createProject({ state: 'a file' });
  const bug = { error: 'odd', version: '1.2', args: [], atMs };
  expect(keepBugReport(bug, { ROLLOUT_STATE_DIR: join(project.dir, 'state') }, project.dir)).toBeUndefined();
});
