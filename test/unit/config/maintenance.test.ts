import { describe, expect, test } from 'vitest';
import { loadPlaybook } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/model/problem.ts';
import { createProject } from '../../support/project.ts';

const balancer = 'load_balancer: { type: haproxy, stats: ["http://10.0.0.2:8404/stats"], backend: web }';

/** What the play has of a borrowed gate, or what is wrong with it. */
async function load(play: readonly string[], others: readonly string[] = []): Promise<unknown> {
  const indented = play.map((line) => `    ${line}\n`).join('');
  using project = createProject({
    'hosts.yaml': 'web:\n  hosts:\n    web[1:2]:\n',
    'playbook.yaml': `inventory: hosts.yaml\nplays:\n${others.join('\n')}\n  - name: nodes\n    hosts: web\n${indented}`,
    'more.yaml': '- reboot:\n',
  });
  try {
    const loaded = await loadPlaybook(project.options());
    const found = loaded.plays.at(-1);
    const [host] = found?.hosts ?? [];
    if (found === undefined || host === undefined) throw new Error('there is no play');
    const wanted = loaded.desired(found, host, undefined);
    const { healthContainer, borrowedGate } = found;
    return { healthContainer, borrowedGate, isGateMadeEarlier: wanted.isGateMadeEarlier };
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
}

describe('health_container', () => {
  const none = { healthContainer: undefined, borrowedGate: undefined, isGateMadeEarlier: undefined };
  const services = 'services: { health: { image: registry.example.com/health:1 } }';

  test.each<[string, readonly string[], unknown]>([
    ['is a service of the play', ['health_container: health', services], { ...none, healthContainer: 'health' }],
    ['is a container of somebody else', ['health_container: health'], { ...none, borrowedGate: 'health' }],
    ['beside services', ['health_container: lb-check', services], { ...none, borrowedGate: 'lb-check' }],
    [
      'with a slip in it',
      ['health_container: helth', services],
      [
        'plays[0].health_container: must name a service of this play, or a container that is there; got helth. Did you mean health?',
      ],
    ],
    [
      'is no name that a container can have',
      ['health_container: "--all"'],
      [
        'plays[0].health_container: must be a service of this play, or the name of a container, of letters, digits, _ . and -; got "--all"',
      ],
    ],
  ])('%s', async (_, play, expected) => {
    expect(await load(play)).toEqual(expected);
  });

  test('made by an earlier play of the playbook it is there in time', async () => {
    const first = ['  - name: first', '    hosts: web', '    health_container: health', `    ${services}`];
    expect(await load(['health_container: health'], first)).toEqual({
      ...none,
      borrowedGate: 'health',
      isGateMadeEarlier: true,
    });
  });
});

describe('reboot', () => {
  const refused = (path: string, where: string): readonly string[] => [
    `${path}: would take the host down while its node serves (${where}); move it to tasks, where the node is out of rotation`,
  ];
  const loads = { healthContainer: undefined, borrowedGate: undefined, isGateMadeEarlier: undefined };

  test.each<[string, readonly string[], unknown]>([
    ['under tasks', [balancer, 'tasks: [{ reboot: {} }]'], loads],
    [
      'in pre_tasks',
      [balancer, 'pre_tasks: [{ reboot: {} }]'],
      refused('plays[0].pre_tasks[0].reboot', 'in pre_tasks'),
    ],
    [
      'in post_tasks, under a condition',
      [balancer, 'post_tasks: [{ name: r, reboot: { reboot_timeout: 5 }, when: reboot_required }]'],
      refused('plays[0].post_tasks[0].reboot', 'in post_tasks'),
    ],
    [
      'by its long name, before',
      [balancer, 'before: [{ ansible.builtin.reboot: {} }]'],
      refused('plays[0].before[0]["ansible.builtin.reboot"]', 'in before'),
    ],
    ['after', [balancer, 'after: [{ reboot: {} }]'], refused('plays[0].after[0].reboot', 'in after')],
    [
      'in a block',
      [balancer, 'pre_tasks: [{ block: [{ debug: {} }], rescue: [{ reboot: {} }] }]'],
      refused('plays[0].pre_tasks[0].rescue[0].reboot', 'in pre_tasks'),
    ],
    [
      'in an included file',
      [balancer, 'pre_tasks: [{ include_tasks: more.yaml }]'],
      refused('[0].reboot', 'in pre_tasks'),
    ],
    [
      'as a handler that pre_tasks call',
      [balancer, 'pre_tasks: [{ command: "true", notify: r }]', 'handlers: [{ name: r, reboot: {} }]'],
      refused('plays[0].handlers[0].reboot', 'called from pre_tasks'),
    ],
    [
      'as a handler that tasks call',
      [balancer, 'tasks: [{ command: "true", notify: r }]', 'handlers: [{ name: r, reboot: {} }]'],
      loads,
    ],
    ['of another host', [balancer, 'post_tasks: [{ reboot: {}, delegate_to: web2 }]'], loads],
    ['where nothing balances', ['pre_tasks: [{ reboot: {} }]'], loads],
    [
      'where only a health container says that it serves',
      ['health_container: health', 'pre_tasks: [{ reboot: {} }]'],
      refused('plays[0].pre_tasks[0].reboot', 'in pre_tasks'),
    ],
  ])('%s', async (_, play, expected) => {
    expect(await load(play)).toEqual(expected);
  });
});
