import { expect, test } from 'vitest';
import { loadPlaybook, type LoadOptions } from '../../../src/config/load.ts';
import { ConfigError, formatProblem } from '../../../src/model/problem.ts';
import { createProject } from '../../support/project.ts';

const book = `vars: { used: '{{ deep }}' }
plays:
  - name: web
    hosts: web
    compose: c.yaml
    services: { app: { image: x, tags: [app], environment: { A: '{{ used }}' } }, job: { image: y, tags: jobs } }
`;

/** What loading this playbook says, errors first. */
async function said(options: Partial<LoadOptions>, playbook = book): Promise<string[]> {
  using project = createProject({
    'hosts.yaml': 'web: { hosts: { h1: { by_host: 1, other: "{{ from_inventory }}" } } }\nempty:\n',
    'playbook.yaml': playbook,
    'c.yaml': 'services: { app: { labels: { v: "${COMPOSED:-none}" } } }',
  });
  try {
    const { warnings } = await loadPlaybook(project.options({ inventories: ['hosts.yaml'], ...options }));
    return warnings.map((problem) => `warning: ${formatProblem(problem)}`);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatProblem);
    throw error;
  }
}

test.each([
  [['app'], []],
  [['all'], []],
  [['untagged', 'never'], []],
  [['jobs', 'ap'], ['warning: --tags:1:1: ap is a tag of no service and no task. Did you mean app?']],
  [['nope'], ['--tags:1:1: nope is a tag of no service and no task. Its tags are app, jobs']],
  [
    ['aap', 'jbos'],
    [
      '--tags:1:1: aap is a tag of no service and no task. Did you mean app?',
      '--tags:1:1: jbos is a tag of no service and no task. Did you mean jobs?',
    ],
  ],
])('--tags %j that matches nothing is an error', async (tags, expected) => {
  expect(await said({ tags })).toEqual(expected);
});

test('what --skip-tags names and nothing has is a warning', async () => {
  expect(await said({ skipTags: ['nope'] })).toEqual([
    'warning: --skip-tags:1:1: nope is a tag of no service and no task',
  ]);
});

test.each([
  ['web', []],
  ['empty', []],
  ['wbe', ['playbook.yaml:4:12 plays[0].hosts: wbe matches no host and no group. Did you mean web?']],
  ['~^x', ['playbook.yaml:4:12 plays[0].hosts: ~^x matches no host and no group']],
  ['web:wbe', ['warning: playbook.yaml:4:12 plays[0].hosts: wbe matches no host and no group. Did you mean web?']],
])('hosts: %s that match nothing are an error, an empty group is none', async (hosts, expected) => {
  expect(await said({}, book.replace('hosts: web', `hosts: ${JSON.stringify(hosts)}`))).toEqual(expected);
});

test.each<[string, string | undefined, string[]]>([
  ['h1', undefined, []],
  ['h1', 'web', []],
  ['nope', undefined, ['PATTERN:1:1: nope matches no host and no group']],
  ['web:!h1', undefined, ['PATTERN:1:1: leaves no host in any play; they have h1']],
  ['web', 'empty', ['PATTERN:1:1: leaves no host in any play together with --limit empty; they have h1']],
  ['h1', 'wbe', ['--limit:1:1: wbe matches no host and no group. Did you mean web?']],
  ['h1,nope', 'web', ['warning: PATTERN:1:1: nope matches no host and no group']],
])('a pattern of a command’s own goes by its own name: %s, with --limit %s', async (pattern, limit, expected) => {
  expect(await said({ pattern, limit })).toEqual(expected);
});

test('of a pattern and a limit only hosts of both are left, whatever either is made of', async () => {
  using project = createProject({
    'hosts.yaml': 'web: { hosts: { h1: , h2: , h3: , h4: } }\n',
    'playbook.yaml': 'plays: [{ name: web, hosts: web, services: { app: { image: x } } }]\n',
  });
  const left = async (pattern: string, limit: string): Promise<string[]> => {
    const options = project.options({ inventories: ['hosts.yaml'], pattern, limit });
    return (await loadPlaybook(options)).plays.flatMap(({ hosts }) => hosts.map(({ name }) => name));
  };
  expect(await left('h1,h2', 'h2,h3')).toEqual(['h2']);
  expect(await left('h1:h2', 'web:!h1')).toEqual(['h2']);
  expect(await left('all', 'h4,h2')).toEqual(['h2', 'h4']);
});

test.each([
  ['nope', ['--limit:1:1: nope matches no host and no group']],
  ['wbe', ['--limit:1:1: wbe matches no host and no group. Did you mean web?']],
  [
    'wbe,emty',
    [
      '--limit:1:1: emty matches no host and no group. Did you mean empty?',
      '--limit:1:1: wbe matches no host and no group. Did you mean web?',
    ],
  ],
  ['empty', ['--limit:1:1: leaves no host in any play; they have h1']],
  ['web:!web', ['--limit:1:1: leaves no host in any play; they have h1']],
  ['web:!emtpy', ['warning: --limit:1:1: emtpy matches no host and no group. Did you mean empty?']],
])(
  'a limit that leaves nothing is an error, a part of one that matches nothing a warning: %s',
  async (limit, expected) => {
    expect(await said({ limit })).toEqual(expected);
  },
);

test.each([
  ['deep=1', []],
  ['used=1', []],
  ['COMPOSED=1', []],
  ['by_host=1 from_inventory=2', []],
  ['ansible_user=me', []],
  ['usde=1', ['warning: --extra-vars:1:6: nothing uses the variable usde. Did you mean used?']],
  ['{"nowhere": 1}', ['warning: --extra-vars:1:13: nothing uses the variable nowhere']],
  ['a={{b}} b=1', ['warning: --extra-vars:1:3: nothing uses the variable a. Did you mean A?']],
])('-e %s: a name that nothing uses is a warning', async (written, expected) => {
  expect(await said({ extraVars: [written] })).toEqual(expected);
});

test.each(['', ' ', '-oProxyCommand=id', '-u', 'root\nALL', 'root\0', '\u0007', ' root'])(
  '--user is held to what ansible_user may be: %j is none',
  async (user) => {
    const [problem, ...others] = await said({ user });
    expect(others).toEqual([]);
    expect(problem).toContain(
      '--user:1:1: must be the name of a user: not empty, in one line, no - or blank in front; got ',
    );
  },
);

test.each(['', 'a\nb', 'key\0', '\u001b[2J'])(
  '--private-key is held to what a path may be: %j is none',
  async (key) => {
    const [problem, ...others] = await said({ privateKey: key });
    expect(others).toEqual([]);
    expect(problem).toContain('--private-key:1:1: must be the path of a file: not empty, in one line; got ');
  },
);

test.each(['-u', 'root\nALL', ' x'])('a task is not done as %j', async (user) => {
  const tasks = `    tasks: [{ command: id, become: true, become_user: ${JSON.stringify(user)} }]\n`;
  expect((await said({}, book + tasks)).join('\n')).toContain(
    `plays[0].tasks[0].become_user: must be the name of a user: not empty, in one line, no - or blank in front`,
  );
});
