// Runs every case of tasks through the real ansible-playbook, as root, and keeps what it did: `npm run record-tasks`.
// The unit tests hold rollout against that. Minutes, since Ansible starts a Python for each task.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'prettier';
import { outcomesOf, prepare, tasksOf, write, type Result } from '../support/task-cases.ts';
import { taskCases, vars } from './task-cases.ts';

process.umask(0o022);
const side = mkdtempSync(join(tmpdir(), 'rollout-record-'));
try {
  prepare(side);
  const tasks = tasksOf(side);
  const names = tasks.map(({ register }) => String(register));
  const all = `{{ {${names.map((name) => `'${name}': ${name} | default({})`).join(', ')}} | to_json }}`;
  const dump = { copy: { dest: join(side, 'results.json'), content: all } };
  write(side, { 'site.yaml': JSON.stringify([{ hosts: 'all', gather_facts: false, vars, tasks: [...tasks, dump] }]) });
  const env = { PATH: process.env['PATH'], HOME: side, LANG: 'C.UTF-8', ANSIBLE_NOCOLOR: '1' };
  execFileSync('ansible-playbook', ['-i', 'hosts.yaml', 'site.yaml'], { cwd: side, env, maxBuffer: 64 << 20 });
  const results = JSON.parse(readFileSync(join(side, 'results.json'), 'utf8')) as Result;
  const version = execFileSync('ansible-playbook', ['--version'], { env }).toString().split('\n')[0] ?? '';
  const text = await format(JSON.stringify({ version, cases: outcomesOf(results, side) }), {
    parser: 'json',
    printWidth: 120,
  });
  writeFileSync(new URL('../cases/tasks/ansible.json', import.meta.url), text);
  process.stdout.write(`${version}: ${taskCases.length} cases, ${tasks.length} tasks\n`);
} finally {
  rmSync(side, { recursive: true, force: true });
}
