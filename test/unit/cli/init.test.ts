import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { initProject, type InitOptions } from '../../../src/api/init/init.ts';
import { systemSurroundings } from '../../../src/api/surroundings.ts';
import { RunRefused } from '../../../src/engine/context.ts';
import { createProject, type Project } from '../../support/project.ts';

const atMs = Date.UTC(2026, 10, 20, 15, 4);

function options(project: Project, more: Partial<InitOptions>): InitOptions {
  const surroundings = systemSurroundings();
  return {
    ...surroundings,
    clock: { ...surroundings.clock, now: () => atMs },
    ...{ cwd: project.dir, name: 'shop', stage: 'prod', group: 'web', acceptNew: false, forks: 5 },
    ...{ hosts: [], fromAnsible: [], fromCompose: [], fromHosts: [] },
    starter: { image: 'registry.example.com/shop/app:1.4', port: '8080', balancer: [], backend: 'web' },
    login: { become: false },
    onNotice: () => undefined,
    ...more,
  };
}

const filesOf = ({ dir }: Project): Record<string, string> =>
  Object.fromEntries(
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name, parentPath }) => [
        `${parentPath.slice(dir.length + 1)}/${name}`,
        readFileSync(join(parentPath, name), 'utf8'),
      ]),
  );

test('from flags alone: an inventory, a playbook and a composition that validate', async () => {
  using project = createProject({});
  const result = await initProject(
    options(project, {
      hosts: ['10.0.0.11', 'admin@web2:2222'],
      login: { user: 'deploy', privateKey: '~/.ssh/shop', become: true },
      starter: { image: 'shop/app:1.4', port: '80:8080', balancer: ['http://10.0.0.2:8404/stats'], backend: 'shop' },
    }),
  );
  expect(result.problems).toEqual([]);
  expect(filesOf(project)).toEqual({
    'inventories/prod.yaml': `# The hosts, by group: an inventory of Ansible's. A host has its own variables behind its name, a group under vars.
# Look at what was understood: rollout inventory -i inventories/prod.yaml --graph

web:
  hosts:
    10.0.0.11: null
    web2: { ansible_port: 2222, ansible_user: admin }
all:
  vars:
    ansible_user: deploy
    ansible_ssh_private_key_file: ~/.ssh/shop
    ansible_become: true
`,
    'compositions/prod.yaml': `# A release: the image of every service that names none itself. The next one is a copy of this file with other
# images: rollout composition new --from compositions/prod.yaml app=:NEXT_TAG

name: c_20261120_1504
created: 2026-11-20T15:04:00Z
components:
  health: nginx:1.27-alpine
  app: shop/app:1.4
`,
    'playbooks/prod.yaml': `# What runs on which hosts, and how an update goes over them. Every key: docs/playbook.md of rollout.
# Check it: rollout validate playbooks/prod.yaml. See what a run would do: rollout plan playbooks/prod.yaml

name: shop
inventory: ../inventories/prod.yaml
composition: ../compositions/prod.yaml
plays:
  - name: web
    hosts: web
    # Its servers are found by the hosts' names in the inventory. Where theirs are others, say how they are called below
    # backend, as: server: "web-{{ inventory_hostname }}"
    load_balancer:
      type: haproxy
      stats:
        - http://10.0.0.2:8404/stats
      backend: shop
    health_container: health
    services:
      # Answers the balancer's check on this port, and nothing else: stopped, it takes its node out of rotation.
      # In HAProxy: default-server check port 8081 inter 2s fall 2 rise 2
      health:
        ports:
          - 8081:80
        restart: always
      # Compose's words: environment, volumes, mem_limit … The image stands in the composition. A probe is asked before a
      # node is let in again, as: probe: { http: { port: 80, path: /ready } }
      app:
        ports:
          - 80:8080
        restart: always
        stop_grace_period: 20s
`,
  });
});

test('from a Compose file: the play takes it over, with the health container beside it', async () => {
  using project = createProject({
    'compose.yaml': 'services:\n  app:\n    image: shop/app:1\n  db:\n    image: postgres:17\n',
  });
  const result = await initProject(
    options(project, {
      hosts: ['h1'],
      fromCompose: ['compose.yaml'],
      starter: { image: '', port: '8080', balancer: ['http://lb:8404/stats'], backend: 'web' },
    }),
  );
  expect([result.problems, filesOf(project)['playbooks/prod.yaml']]).toEqual([
    [],
    `# What runs on which hosts, and how an update goes over them. Every key: docs/playbook.md of rollout.
# Check it: rollout validate playbooks/prod.yaml. See what a run would do: rollout plan playbooks/prod.yaml

name: shop
inventory: ../inventories/prod.yaml
composition: ../compositions/prod.yaml
plays:
  - name: web
    hosts: web
    # Its servers are found by the hosts' names in the inventory. Where theirs are others, say how they are called below
    # backend, as: server: "web-{{ inventory_hostname }}"
    load_balancer:
      type: haproxy
      stats:
        - http://lb:8404/stats
      backend: web
    health_container: health
    compose: ../compose.yaml
    services:
      # Answers the balancer's check on this port, and nothing else: stopped, it takes its node out of rotation.
      # In HAProxy: default-server check port 8081 inter 2s fall 2 rise 2
      health:
        ports:
          - 8081:80
        restart: always
`,
  ]);
});

test('what a Compose file has and rollout does not take over is said, with its place', async () => {
  using project = createProject({ 'compose.yaml': 'services:\n  app:\n    build: .\n' });
  const { problems } = await initProject(options(project, { hosts: ['h1'], fromCompose: ['compose.yaml'] }));
  expect(problems.map(({ file, line }) => `${file}:${line}`)).toEqual(['compose.yaml:3', 'compose.yaml:3']);
});

test('from an inventory of Ansible’s: it stays where it is, whatever its form', async () => {
  using project = createProject({ 'ansible/hosts': '[web]\nh[1:3]\n[db]\nd1\n' });
  mkdirSync(join(project.dir, 'playbooks'));
  writeFileSync(join(project.dir, 'playbooks/other.yaml'), '');
  const result = await initProject(options(project, { fromAnsible: ['ansible/hosts'], group: 'web:!h2' }));
  expect([result.problems, result.files.map(({ path }) => path)]).toEqual([
    [],
    ['compositions/prod.yaml', 'playbooks/prod.yaml'],
  ]);
  expect(filesOf(project)['playbooks/prod.yaml']).toContain('\ninventory: ../ansible/hosts\n');
  expect(filesOf(project)['playbooks/prod.yaml']).toContain('\n    hosts: web:!h2\n');
});

test.each([
  [{}, 'which hosts? nothing was written'],
  [{ hosts: ['a b', 'h1'] }, 'nothing was written: a host is [user@]host[:port], got a b'],
  [{ hosts: ['h1', 'root@h1'] }, 'nothing was written: h1 is given twice'],
])('without hosts, or with such as %j, nothing is written', async (more, message) => {
  using project = createProject({});
  const refused = await initProject(options(project, more)).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(RunRefused);
  expect([(refused as RunRefused).message, filesOf(project)]).toEqual([message, {}]);
});
