import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ConfigError, formatProblem } from '../../../src/model/problem.ts';
import { localInventory, localPlaybook, runLocally, type LocalRun } from '../../support/local-tasks.ts';
import { createProject, type Project } from '../../support/project.ts';

const projectOf = (tasks: readonly unknown[], play = {}, files = {}): Project =>
  createProject({ 'hosts.yaml': localInventory, 'playbook.yaml': localPlaybook(tasks, play), ...files });

async function run(tasks: readonly unknown[], play = {}, mode: 'run' | 'check' = 'run'): Promise<LocalRun> {
  using project = projectOf(tasks, play);
  return await runLocally(project.options(), mode);
}

const story = ({ reports }: LocalRun): readonly string[] =>
  reports.map(({ name, item, status }) => `${name}${item === undefined ? '' : ` [${item}]`} ${status}`);

async function problems(tasks: readonly unknown[], play = {}): Promise<readonly string[]> {
  try {
    await run(tasks, play);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => formatProblem(problem).replace(/^playbook\.yaml:\d+:\d+ plays\[0\]\./, ''));
  }
}

test('what a task registers is a variable of those after it, and of when', async () => {
  const ran = await run([
    { name: 'ask', command: 'echo one', register: 'out' },
    { name: 'same', command: 'echo {{ out.stdout }} {{ out.rc }}', when: 'out.stdout == "one"', register: 'second' },
    { name: 'other', command: 'echo never', when: 'out.rc != 0', register: 'third' },
    {
      name: 'tests',
      assert: { that: ['out is changed', 'third is skipped', 'out is succeeded', 'out.stdout_lines == ["one"]'] },
    },
  ]);
  expect(ran.failed).toBeUndefined();
  expect(story(ran)).toEqual(['ask changed', 'same changed', 'other skipped', 'tests ok']);
  expect(ran.values.get('second')).toMatchObject({ stdout: 'one 0', rc: 0, changed: true, failed: false });
});

test('a result that looks like a template is never rendered again, whatever it goes through', async () => {
  const evil = '{{ 7 * 7 }}{% if true %}x{% endif %}';
  const ran = await run(
    [
      { shell: "printf '%s' '{''{ 7 * 7 }}{''% if true %}x{''% endif %}'", register: 'out' },
      { set_fact: { kept: '{{ out.stdout }}', inner: { list: ['{{ out.stdout }}'] } } },
      {
        command: { argv: ['printf', '%s', '{{ by_var.stdout }}|{{ kept }}|{{ inner.list[0] }}|{{ own }}'] },
        vars: { own: '{{ out.stdout }}' },
        register: 'last',
      },
      { command: { argv: ['printf', '%s', '{{ item }}'] }, loop: ['{{ out.stdout }}'], register: 'looped' },
    ],
    { vars: { by_var: '{{ out }}' } },
  );
  expect(ran.failed).toBeUndefined();
  expect(ran.values.get('last')).toMatchObject({ stdout: [evil, evil, evil, evil].join('|') });
  expect(ran.values.get('looped')).toMatchObject({ results: [{ stdout: evil, item: evil }] });
});

test('loops: items, names, numbers, conditions of an item, and the results of all', async () => {
  const ran = await run([
    {
      name: 'each',
      command: 'echo {{ n }}{{ thing.a }}',
      loop: [{ a: 1 }, { a: 2 }, { a: 3 }],
      when: 'thing.a != 2',
      loop_control: { loop_var: 'thing', index_var: 'n', label: 'no {{ n }}' },
      register: 'all',
    },
  ]);
  expect(story(ran)).toEqual(['each [no 0] changed', 'each [{"a":2}] skipped', 'each [no 2] changed']);
  expect(ran.values.get('all')).toMatchObject({
    changed: true,
    results: [{ stdout: '01' }, { skipped: true }, { stdout: '23' }],
  });
});

test('until tries again and counts; changed_when and failed_when judge the result', async () => {
  using project = projectOf([]);
  const count = join(project.dir, 'count');
  const ran = await run([
    {
      name: 'later',
      shell: `echo x >> ${count}; wc -l < ${count}`,
      until: 'out.stdout | int >= 3',
      retries: 4,
      delay: 0,
      register: 'out',
    },
    { name: 'quiet', command: 'echo x', changed_when: false },
    {
      name: 'wrong',
      command: 'echo bad',
      failed_when: ['"bad" in bad.stdout', 'bad.rc != 0'],
      register: 'bad',
      ignore_errors: true,
    },
    { name: 'right', command: 'false', failed_when: false },
  ]);
  expect(story(ran)).toEqual(['later changed', 'quiet ok', 'wrong ignored', 'right changed']);
  expect(ran.values.get('out')).toMatchObject({ attempts: 3, failed: false });
});

test('a block that fails is rescued, and what it has to do in any case is done', async () => {
  const ran = await run([
    {
      block: [
        { name: 'first', command: 'true' },
        { name: 'breaks', fail: { msg: 'as asked' } },
        { name: 'never', command: 'true' },
      ],
      rescue: [
        {
          name: 'told',
          debug: { msg: '{{ ansible_failed_task.name }}: {{ ansible_failed_result.msg }}' },
          register: 'said',
        },
      ],
      always: [{ name: 'anyway', command: 'true' }],
      when: 'true',
      vars: { x: 1 },
    },
    { name: 'goes on', command: 'true' },
  ]);
  expect(ran.failed).toBeUndefined();
  expect(story(ran)).toEqual(['first changed', 'breaks failed', 'told ok', 'anyway changed', 'goes on changed']);
  expect(ran.values.get('said')).toMatchObject({ msg: 'breaks: as asked' });
});

test('a handler runs once, at the end, and only when something has changed', async () => {
  const ran = await run(
    [
      { name: 'one', command: 'true', notify: ['reload', 'topic'] },
      { name: 'two', command: 'true', notify: 'reload' },
      { name: 'three', command: 'true', changed_when: false, notify: 'restart' },
    ],
    {
      handlers: [
        { name: 'restart', command: 'true' },
        { name: 'reload', command: 'true' },
        { name: 'heard', listen: 'topic', command: 'true' },
      ],
    },
  );
  expect(story(ran)).toEqual(['one changed', 'two changed', 'three ok', 'reload changed', 'heard changed']);
});

test('no_log keeps output, parameters and differences out of what is told', async () => {
  using project = projectOf([
    { name: 'hidden', copy: { content: 'hush', dest: '{{ playbook_dir }}/f' }, no_log: true },
    { name: 'said', shell: 'echo hush; exit 3', no_log: true, ignore_errors: true, loop: ['hush'] },
  ]);
  const ran = await runLocally(project.options());
  expect(JSON.stringify(ran.reports)).not.toContain('hush');
  expect(ran.reports.map(({ status, result }) => [status, result['msg']])).toEqual([
    ['changed', 'the output is hidden, since no_log is set for this task'],
    ['ignored', 'the output is hidden, since no_log is set for this task'],
  ]);
  expect(readFileSync(join(project.dir, 'f'), 'utf8')).toBe('hush');
});

test('a check changes nothing, says what would change, and passes over what it cannot tell', async () => {
  using project = projectOf([
    { name: 'file', copy: { content: 'a\nb\n', dest: '{{ playbook_dir }}/f' } },
    { name: 'command', command: 'touch {{ playbook_dir }}/g' },
    { name: 'reads', command: 'echo x', check_mode: false, register: 'out' },
    { name: 'uses', debug: { msg: '{{ out.stdout }}' } },
  ]);
  const ran = await runLocally(project.options(), 'check');
  expect(story(ran)).toEqual(['file changed', 'command skipped', 'reads changed', 'uses ok']);
  expect(ran.reports[0]?.diff).toEqual([
    `--- before: ${project.dir}/f`,
    `+++ after: ${project.dir}/f`,
    '@@ -0,0 +1,2 @@',
    '+a',
    '+b',
  ]);
  expect(['f', 'g'].map((name) => existsSync(join(project.dir, name)))).toEqual([false, false]);
});

test('ten tasks that have nothing to do ask the host once', async () => {
  using project = projectOf(
    [...Array(10).keys()].map((number) => ({ copy: { content: 'x', dest: `{{ playbook_dir }}/f${number}` } })),
  );
  const first = await runLocally(project.options());
  const second = await runLocally(project.options());
  expect(first.reports.every(({ status }) => status === 'changed')).toBe(true);
  expect(second.reports.every(({ status }) => status === 'ok')).toBe(true);
  expect(second.roundTrips).toBe(1);
});

test('tasks of another file are those of the list that includes it, with its variables and conditions', async () => {
  using project = projectOf(
    [
      { include_tasks: 'more/extra.yaml', vars: { who: 'you' }, when: 'true' },
      { include_tasks: 'more/extra.yaml', vars: { who: 'nobody' }, when: false },
    ],
    {},
    {
      'more/extra.yaml': '- name: inner\n  command: echo {{ who }}\n  register: out\n- import_tasks: deeper.yaml\n',
      'more/deeper.yaml': '- { name: deeper, debug: { msg: "{{ who }}" } }\n',
    },
  );
  const ran = await runLocally(project.options());
  expect(story(ran)).toEqual(['inner changed', 'deeper ok']);
  expect(ran.values.get('out')).toMatchObject({ stdout: 'you' });
});

test.each<[string, readonly unknown[], readonly string[]]>([
  [
    'a module that there is not',
    [{ dnf: { name: 'x' } }],
    ['tasks[0].dnf: there is no module and no keyword of this name'],
  ],
  [
    'a module of another collection',
    [{ 'community.general.ufw': {} }],
    ['tasks[0]["community.general.ufw"]: there is no module and no keyword'],
  ],
  [
    'a parameter that is not supported',
    [{ file: { path: '/x', recurse: true } }],
    ['tasks[0].file.recurse: file has no such parameter here'],
  ],
  [
    'a keyword of Ansible that is not supported',
    [{ command: 'x', async: 5 }],
    ['tasks[0].async: this keyword of Ansible is not supported'],
  ],
  [
    'two modules',
    [{ command: 'x', shell: 'y' }],
    ['tasks[0].shell: must be the one module of its task; got command beside it'],
  ],
  ['no module', [{ name: 'x' }], ['tasks[0]: must have a module: command, shell']],
  ['a module in a block', [{ block: [], command: 'x' }], ['tasks[0].command: cannot stand beside block']],
  [
    'a wrong value',
    [{ copy: { content: 'x', dest: '/x', mode: 644 } }],
    ["tasks[0].copy.mode: must be a mode such as '0644' or u=rw,go=r; got 644"],
  ],
  ['an undefined name', [{ command: 'echo {{ nope }}' }], ["tasks[0].command: 'nope' is undefined"]],
  [
    'an undefined name of one item',
    [{ command: 'echo {{ item.b }}', loop: [{ b: 1 }, { c: 1 }] }],
    ["tasks[0].command: 'item.b' is undefined"],
  ],
  [
    'a loop over no list',
    [{ command: 'x', loop: '{{ "text" }}' }],
    ['tasks[0].loop: must give a list; it gives "text"'],
  ],
  ['a file that cannot be read', [{ include_tasks: 'nope.yaml' }], ['this file cannot be read']],
])('%s is told before anything is touched', async (_, tasks, expected) => {
  const found = await problems(tasks);
  expect(found).toHaveLength(expected.length);
  for (const [index, text] of expected.entries()) expect(found[index]).toContain(text);
});

test('an unknown module is told with those that there are', async () => {
  expect((await problems([{ nonsense_module: {} }]))[0]).toMatch(
    /Modules: command, shell, .*copy.*, block and include_tasks$/,
  );
});
