// Runs every case of tasks through the real ansible-playbook, as root, and keeps what it did: `npm run record-tasks`.
// The unit tests hold rollout against that. Minutes, since Ansible starts a Python for each task; with a word behind it only
// the cases whose names begin so: `npm run record-tasks -- fetch`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'prettier';
import { archivePrograms, installPrograms } from '../support/apt-get.ts';
import { outcomesOf, prepare, tasksOf, write, type Result } from '../support/task-cases.ts';
import setupAnsible from './setup-ansible.ts';
import { taskCases, vars } from './task-cases.ts';

installPrograms(archivePrograms);
setupAnsible();
process.umask(0o022);
const side = mkdtempSync(join(tmpdir(), 'rollout-record-'));
try {
  prepare(side);
  const [beginning = ''] = process.argv.slice(2);
  const tasks = tasksOf(side).filter(({ name }) => String(name).startsWith(beginning));
  const names = tasks.map(({ register }) => String(register));
  const all = `{{ {${names.map((name) => `'${name}': ${name} | default({})`).join(', ')}} | to_json }}`;
  const dump = { copy: { dest: join(side, 'results.json'), content: all } };
  write(side, { 'site.yaml': JSON.stringify([{ hosts: 'all', gather_facts: false, vars, tasks: [...tasks, dump] }]) });
  const env = { PATH: process.env['PATH'], HOME: side, LANG: 'C.UTF-8', ANSIBLE_NOCOLOR: '1' };
  execFileSync('ansible-playbook', ['-i', 'hosts.yaml', 'site.yaml'], { cwd: side, env, maxBuffer: 64 << 20 });
  const results = JSON.parse(readFileSync(join(side, 'results.json'), 'utf8')) as Result;
  const version = execFileSync('ansible-playbook', ['--version'], { env }).toString().split('\n')[0] ?? '';
  const file = new URL('../cases/tasks/ansible.json', import.meta.url);
  const before = JSON.parse(readFileSync(file, 'utf8')) as { readonly cases: ReturnType<typeof outcomesOf> };
  const found = Object.entries(outcomesOf(results, side));
  const cases = found.map(([name, now]) => [name, name.startsWith(beginning) ? now : before.cases[name]] as const);
  const text = await format(JSON.stringify({ version, cases: Object.fromEntries(cases) }), {
    parser: 'json',
    printWidth: 120,
  });
  writeFileSync(file, text);
  process.stdout.write(`${version}: ${taskCases.length} cases, ${tasks.length} tasks\n`);
} finally {
  rmSync(side, { recursive: true, force: true });
}
