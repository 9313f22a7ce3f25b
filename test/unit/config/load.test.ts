import { expect, test } from 'vitest';
import { loadPlaybook, type LoadedPlaybook, type LoadOptions } from '../../../src/config/load.ts';
import type { Facts } from '../../../src/model/host.ts';
import { ConfigError, formatProblem } from '../../../src/model/problem.ts';
import { Secret } from '../../../src/model/secret.ts';
import type { HostDesired } from '../../../src/model/service.ts';
import { createProject } from '../../support/project.ts';

const facts: Facts = {
  hostname: 'node',
  cpus: 4,
  memory_mb: 2048,
  arch: 'x86_64',
  os: 'linux',
  docker_version: '20.10.24',
};
const hosts = 'web:\n  hosts:\n    web[1:3]:\n';

/** A playbook of one play, with this in its only service beside an image, and this beside its services. */
function playbook(service = '', play = '', top = ''): string {
  const indent = (text: string, by: number): string => text.replaceAll(/^(?=.)/gm, ' '.repeat(by));
  return [
    `inventory: hosts.yaml\n${top}\nplays:\n  - name: web tier\n    hosts: web`,
    indent(play, 4),
    '    services:\n      app:\n        image: registry.example.com/app:1',
    indent(service, 8),
  ].join('\n');
}

function desiredOf(loaded: LoadedPlaybook, host: string, own: Facts = facts): HostDesired {
  const [play] = loaded.plays;
  const found = play?.hosts.find(({ name }) => name === host);
  if (play === undefined || found === undefined) throw new Error(`there is no ${host}`);
  return loaded.desired(play, found, own);
}

function environmentOf(desired: HostDesired): unknown {
  return desired.services[0]?.spec['environment'];
}

async function problemsOf(work: () => Promise<unknown>): Promise<string[]> {
  try {
    await work();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatProblem);
    throw error;
  }
}

const load = (options: LoadOptions): Promise<LoadedPlaybook> => loadPlaybook(options);

test('variables count in the order of the manual, each layer over the one before', async () => {
  const names = ['all_inv', 'group_inv', 'all_file', 'all_play', 'group_file', 'group_play', 'host_inv', 'host_file'];
  const more = ['host_play', 'playbook', 'vars_file', 'play', 'extra'];
  const layers = [...names, ...more];
  /** Sets, in one layer, every variable whose own layer does not come before it. */
  const from = (layer: string, indent = ''): string =>
    layers
      .slice(layers.indexOf(layer))
      .map((name) => `${indent}v_${name}: ${layer}\n`)
      .join('');
  const environment = layers.map((layer) => `  ${layer.toUpperCase()}: "{{ v_${layer} }}"\n`).join('');
  using project = createProject({
    'inv/hosts.yaml': `all:\n  vars:\n${from('all_inv', '    ')}web:\n  vars:\n${from('group_inv', '    ')}  hosts:\n    web1:\n${from('host_inv', '      ')}`,
    'inv/group_vars/all.yml': from('all_file'),
    'inv/group_vars/web.yml': from('group_file'),
    'inv/host_vars/web1.yml': from('host_file'),
    'group_vars/all.yml': from('all_play'),
    'group_vars/web.yml': from('group_play'),
    'host_vars/web1.yml': from('host_play'),
    'vars.yaml': from('vars_file'),
    'playbook.yaml': playbook(
      `environment:\n${environment}`,
      `vars:\n${from('play', '  ')}`,
      `vars:\n${from('playbook', '  ')}vars_files: [vars.yaml]`,
    ).replace('hosts.yaml', 'inv/hosts.yaml'),
  });
  const loaded = await load(project.options({ extraVars: ['v_extra=extra'] }));
  // Each variable is set by all layers up to its own, so the strongest of them is its own.
  expect(environmentOf(desiredOf(loaded, 'web1'))).toEqual(
    Object.fromEntries(layers.map((layer) => [layer.toUpperCase(), layer])),
  );
});

test('a playbook without a strategy gets every default of the manual', async () => {
  using project = createProject({ 'hosts.yaml': hosts, 'playbook.yaml': playbook() });
  const [play] = (await load(project.options())).plays;
  expect(play?.strategy).toEqual({
    canary: {
      hosts: { count: 1 },
      bakeMs: 30_000,
      bakeMaxMs: 300_000,
      onInconclusive: 'continue',
      promote: 'auto',
      minRequests: 50,
      maxErrorRatio: 0.002,
    },
    stages: [],
    soakMs: 0,
    maxUnavailable: { percent: 25 },
    minAvailable: { count: 1 },
    maxFailures: { count: 0 },
    minHealthyTimeMs: 3000,
    healthyDeadlineMs: 300_000,
    progressDeadlineMs: 600_000,
    drain: { timeoutMs: 30_000, onTimeout: 'force' },
    onFailure: 'rollback',
  });
});

test('hosts share one service where nothing in it depends on the host', async () => {
  using project = createProject({
    'hosts.yaml': hosts,
    'playbook.yaml': playbook(
      'mem_limit: "{{ facts.memory_mb // 2 }}m"\nenvironment: { ZONE: "{{ zone | default(1) }}" }',
    ),
  });
  const loaded = await load(project.options());
  const [first, second, smaller] = [
    desiredOf(loaded, 'web1'),
    desiredOf(loaded, 'web2', { ...facts, hostname: 'other' }),
    desiredOf(loaded, 'web3', { ...facts, memory_mb: 1024 }),
  ];
  expect(second.services[0]).toBe(first.services[0]);
  expect([first, smaller].map(({ services }) => services[0]?.spec['mem_limit'])).toEqual(['1g', '512m']);
});

test('values from hosts are data: what looks like a template in a fact stays as it is', async () => {
  using project = createProject({
    'hosts.yaml': hosts,
    'playbook.yaml': playbook('environment: { A: "{{ facts.hostname }}", B: "on {{ facts.hostname }}" }'),
  });
  const loaded = await load(project.options());
  expect(environmentOf(desiredOf(loaded, 'web1', { ...facts, hostname: '{{ nope }}' }))).toEqual({
    A: '{{ nope }}',
    B: 'on {{ nope }}',
  });
});

test('one expression keeps its type, omit leaves its entry out, and other hosts can be asked', async () => {
  using project = createProject({
    'hosts.yaml': 'web:\n  hosts:\n    web1: { ip: 10.0.0.1 }\n    web2: { ip: "10.0.{{ 1 + 1 }}.2", extra: "x" }\n',
    'playbook.yaml': playbook(
      [
        'ports: "{{ ports }}"',
        'cpus: "{{ 1 / 2 }}"',
        'environment:',
        '  EXTRA: "{{ extra | default(omit) }}"',
        '  PEERS: "{% for h in groups.web %}{{ hostvars[h].ip }} {% endfor %}"',
        "  FIRST: \"{{ hostvars[groups['web'][0]]['ip'] }}\"",
      ].join('\n'),
      'vars: { ports: ["80:80", "81:81"] }',
    ),
  });
  const loaded = await load(project.options());
  const [first, second] = [desiredOf(loaded, 'web1'), desiredOf(loaded, 'web2')];
  expect(first.services[0]?.spec).toMatchObject({ ports: ['80:80/tcp', '81:81/tcp'], cpus: 0.5 });
  expect(environmentOf(first)).toEqual({ PEERS: '10.0.0.1 10.0.2.2 ', FIRST: '10.0.0.1' });
  expect(environmentOf(second)).toMatchObject({ EXTRA: 'x' });
});

test('secrets come from the environment, files and commands, and what is made of a secret is one', async () => {
  using project = createProject({
    'hosts.yaml': 'web:\n  hosts:\n    web1:\n',
    token: 'from file\n',
    'playbook.yaml': playbook(
      'environment: { A: { secret: a }, B: { secret: b }, C: { secret: c }, URL: "db://{{ ansible_password }}@x" }',
      '',
      'vars: { ansible_password: pw }\nsecrets: { a: { env: A }, b: { file: token }, c: { command: [echo, "from command"] } }',
    ),
    'host_vars/web1.yml': 'x: 1\n',
  });
  const loaded = await load(project.options({ env: { PATH: process.env['PATH'], A: 'from env' } }));
  const environment = environmentOf(desiredOf(loaded, 'web1')) as Record<string, Secret | string>;
  const reveal = (value: Secret | string | undefined): unknown =>
    value instanceof Secret ? { secret: value.reveal() } : value;
  expect(Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, reveal(value)]))).toEqual({
    A: { secret: 'from env' },
    B: { secret: 'from file' },
    C: { secret: 'from command' },
    URL: 'db://pw@x',
  });
  expect(loaded.secrets.map((secret) => secret.reveal()).sort()).toEqual([
    'from command',
    'from env',
    'from file',
    'pw',
  ]);
  expect(JSON.stringify(loaded.secrets)).not.toContain('from');
});

test('a secret that cannot be had is reported where it is defined, all of them at once', async () => {
  using project = createProject({
    'hosts.yaml': hosts,
    'playbook.yaml': playbook(
      '',
      '',
      'secrets:\n  a: { env: A }\n  b: { file: gone }\n  c: { command: [sh, -c, "echo why >&2; exit 3"] }',
    ),
  });
  expect(await problemsOf(() => load(project.options()))).toEqual([
    'playbook.yaml:3:13 secrets.a.env: this secret cannot be read: the environment variable A is not set',
    `playbook.yaml:4:14 secrets.b.file: this secret cannot be read: ${project.dir}/gone cannot be read: there is no such file`,
    'playbook.yaml:5:17 secrets.c.command: this secret cannot be read: sh failed: exit code 3; it said: why',
  ]);
});

const vaulted = `token: !vault |
  $ANSIBLE_VAULT;1.1;AES256
  30346262336535613639323065393065323761353166346665323031363330313336376336656236
  3664626563336432356164313935346266393537313430330a363261643431653635626439373233
  31386236353233616633363536653363383232353366333839306664396265333237393165613066
  6163663562353639320a343965363239666661623032393539313961306432333831623935643131
  3939
`;

test.each([
  ['a file', {}, { vaultPasswordFile: 'password' }],
  ['a program', {}, { vaultPasswordFile: 'program' }],
  ['the terminal', {}, { askVaultPass: () => Promise.resolve('correct horse') }],
  ['the environment', { ANSIBLE_VAULT_PASSWORD_FILE: 'password' }, {}],
])('a vaulted value is decrypted with the password from %s, and is a secret wherever it goes', async (_, env, more) => {
  using project = createProject({
    'hosts.yaml': hosts,
    'group_vars/web.yml': vaulted,
    password: 'correct horse\n',
    program: '#!/bin/sh\necho "correct horse"\n',
    'playbook.yaml': playbook(
      'environment: { A: "{{ token }}", B: "<{{ token | upper }}>", LENGTH: "{{ token | length > 3 }}" }',
    ),
  });
  const loaded = await load(project.options({ ...more, env: { PATH: process.env['PATH'], ...env } }));
  const { A, B, LENGTH } = environmentOf(desiredOf(loaded, 'web1')) as Record<string, unknown>;
  expect([A, B].map((value) => (value as Secret).reveal())).toEqual(['s3cret wörd', '<S3CRET WÖRD>']);
  expect(LENGTH).toBe('true');
  expect(loaded.secrets.map((secret) => secret.reveal())).toEqual(['s3cret wörd']);
});

const noPassword =
  'this is encrypted with ansible-vault and no password was given; use --vault-password-file FILE, --ask-vault-pass or ANSIBLE_VAULT_PASSWORD_FILE';

test.each([
  ['a variable of a group', { 'group_vars/web.yml': vaulted }],
  ['a variable of a host', { 'host_vars/web2.yml': vaulted }],
  ['an inventory', { 'hosts.yaml': `${hosts}  vars:\n    ${vaulted.replaceAll('\n', '\n    ')}\n` }],
  ['a part of a variable', { 'group_vars/web.yml': `db:\n  host: db1\n  ${vaulted.replaceAll('\n', '\n  ')}\n` }],
  [
    'the password of a become that nobody asks for',
    { 'group_vars/web.yml': vaulted.replace('token', 'ansible_become_password') },
  ],
])('%s that nothing uses needs no vault password, and none that fits', async (_, files) => {
  using project = createProject({
    'hosts.yaml': hosts,
    wrong: 'another one\n',
    'playbook.yaml': playbook('environment: { A: "x" }'),
    ...files,
  });
  for (const options of [{}, { vaultPasswordFile: 'wrong' }]) {
    const loaded = await load(project.options(options));
    expect(['web1', 'web2'].map((host) => environmentOf(desiredOf(loaded, host)))).toEqual([{ A: 'x' }, { A: 'x' }]);
    expect(loaded.secrets).toEqual([]);
  }
});

test('of an encrypted variable without a password, the part that is used is an error, in its place', async () => {
  using project = createProject({
    'hosts.yaml': hosts,
    'group_vars/web.yml': `db:\n  host: db1\n  ${vaulted.replaceAll('\n', '\n  ')}\n`,
    'playbook.yaml': playbook(`environment: { HOST: "{{ db.host }}", A: "{{ db.token }}" }`),
  });
  const loaded = await load(project.options());
  expect(await problemsOf(() => Promise.resolve(desiredOf(loaded, 'web1')))).toEqual([
    `group_vars/web.yml:3:17: ${noPassword}`,
  ]);
});

test.each([
  ['a template', playbook('environment: { A: "{{ token }}" }'), 'group_vars/web.yml:1:15'],
  ['a text with others', playbook('environment: { A: "<{{ token | upper }}>" }'), 'group_vars/web.yml:1:15'],
  ['a condition', playbook('when: token == "x"'), 'group_vars/web.yml:1:15'],
  [
    'another variable',
    playbook('environment: { A: "{{ b }}" }', 'vars: { b: "{{ token }}" }'),
    'group_vars/web.yml:1:15',
  ],
  [
    'the variables of another host',
    playbook(`environment: { A: "{{ hostvars['web2'].token }}" }`),
    'playbook.yaml:10:27 plays[0].services.app.environment.A: hostvars',
  ],
  [
    'a list',
    playbook('', 'vars: { all: ["{{ token }}"] }\ntasks: [{ command: "{{ all }}" }]'),
    'group_vars/web.yml:1:15',
  ],
])('an encrypted variable that %s uses is an error without a password', async (_, text, place) => {
  using project = createProject({ 'hosts.yaml': hosts, 'group_vars/web.yml': vaulted, 'playbook.yaml': text });
  const tried = async () => desiredOf(await load(project.options()), 'web1');
  expect(await problemsOf(tried)).toEqual([`${place}: ${noPassword}`]);
});

test('an encrypted secret of the playbook itself is fetched before a run, used or not', async () => {
  using project = createProject({
    'hosts.yaml': hosts,
    'playbook.yaml': playbook('', '', `secrets:\n  ${vaulted.replaceAll('\n', '\n  ')}\n`),
  });
  expect(await problemsOf(() => load(project.options()))).toEqual([`playbook.yaml:3:17: ${noPassword}`]);
});

test('a secret in a command is refused, with its place', async () => {
  using project = createProject({
    'hosts.yaml': hosts,
    'group_vars/web.yml': vaulted,
    password: 'correct horse\n',
    'playbook.yaml': playbook('', 'tasks: [{ command: "login {{ token }}" }]'),
  });
  const loaded = await load(project.options({ vaultPasswordFile: 'password' }));
  expect(await problemsOf(() => Promise.resolve().then(() => desiredOf(loaded, 'web1')))).toEqual([
    'playbook.yaml:6:24 plays[0].tasks[0].command: a secret cannot stand in a command, where everyone on the host can see it; pass it through environment',
  ]);
});

test('when chooses services and tasks by facts, tags by what was asked for; left out by tags is no orphan', async () => {
  using project = createProject({
    'hosts.yaml': hosts,
    'playbook.yaml': `${playbook('when: facts.memory_mb >= 1024\ntags: [fast]', 'pre_tasks: [{ command: a, tags: fast }, { shell: "b | c", tags: [slow], run_once: true }]')}
      big: { image: "registry.example.com/big:1", when: [true, facts.cpus > 8], tags: fast }
      slow: { image: "registry.example.com/slow:1", tags: slow }
`,
  });
  const all = desiredOf(await load(project.options()), 'web1');
  expect(all.services.map(({ name }) => name)).toEqual(['app', 'slow']);
  expect(
    all.preTasks.map((task) => {
      if (task.kind === 'block') throw new Error('a block');
      const { name, module, timeoutMs, runOnce, ask } = task;
      const { params, environment, ignoreErrors } = ask.settle(new Map());
      return { name, module, timeoutMs, runOnce, params, environment, ignoreErrors };
    }),
  ).toMatchObject([
    { name: 'a', module: 'command', params: { cmd: ['a'] }, environment: {}, timeoutMs: 300_000, runOnce: false },
    { name: 'b | c', module: 'shell', params: { cmd: 'b | c' }, environment: {}, timeoutMs: 300_000, runOnce: true },
  ]);
  const fast = desiredOf(await load(project.options({ tags: ['fast'] })), 'web1');
  expect([fast.services.map(({ name }) => name), fast.leftOut, fast.preTasks.map(({ name }) => name)]).toEqual([
    ['app'],
    ['slow'],
    ['a'],
  ]);
  const small = desiredOf(await load(project.options({ skipTags: ['slow'] })), 'web1', { ...facts, memory_mb: 512 });
  expect([small.services, small.leftOut]).toEqual([[], ['slow']]);
});

test('the health container stays, whatever tags a run is about: without it no node could be drained', async () => {
  using project = createProject({
    'hosts.yaml': hosts,
    'playbook.yaml': `name: shop
inventory: hosts.yaml
plays:
  - name: web
    hosts: web
    health_container: health
    services:
      health: { image: "registry.example.com/health:1" }
      app: { image: "registry.example.com/app:1", tags: fast }
      slow: { image: "registry.example.com/slow:1" }
`,
  });
  const { services, leftOut } = desiredOf(await load(project.options({ tags: ['fast'] })), 'web1');
  expect([services.map(({ name }) => name), leftOut]).toEqual([['health', 'app'], ['slow']]);
});

test("hosts are reached as Ansible's variables and the command line say", async () => {
  using project = createProject({
    'hosts.yaml': `web:
  vars: { ansible_user: deploy, jump: bastion }
  hosts:
    web1: { ansible_host: "10.0.0.{{ 1 }}", ansible_port: 2222, ansible_ssh_common_args: "-J a,b:22 -o UserKnownHostsFile=/k -o 'StrictHostKeyChecking no'" }
    web2: { ansible_ssh_private_key_file: ~/key, ansible_become: yes, ansible_become_password: pw, ansible_ssh_common_args: '-o ProxyCommand="ssh -W %h:%p -p 2200 -q me@{{ jump }}" -C' }
    web3: { ansible_connection: local, ansible_user: }
`,
    'playbook.yaml': playbook(),
  });
  const loaded = await load(project.options({ user: 'cli', privateKey: 'id', env: { HOME: '/home/me' } }));
  expect(loaded.plays[0]?.hosts.map(({ connection }) => connection)).toEqual([
    {
      kind: 'ssh',
      address: '10.0.0.1',
      port: 2222,
      user: 'deploy',
      privateKeyFile: 'id',
      proxyJump: ['a', 'b:22'],
      userKnownHostsFile: '/k',
      strictHostKeyChecking: 'no',
    },
    {
      kind: 'ssh',
      address: 'web2',
      user: 'deploy',
      privateKeyFile: '/home/me/key',
      proxyJump: ['me@bastion:2200'],
      become: { method: 'sudo', user: 'root', password: new Secret('ansible_become_password', 'pw') },
    },
    { kind: 'local' },
  ]);
  expect(loaded.warnings.map(formatProblem)).toEqual([
    'hosts.yaml:5:125 web2.ansible_ssh_common_args: -C of ssh has no meaning here and is left out',
  ]);
});

test('--limit keeps hosts of the plays in inventory order, a file of patterns too', async () => {
  using project = createProject({ 'hosts.yaml': hosts, 'playbook.yaml': playbook(), limit: 'web3\nweb1\n' });
  const names = async (limit: string): Promise<string[] | undefined> =>
    (await load(project.options({ limit }))).plays[0]?.hosts.map(({ name }) => name);
  expect(await names('web:!web2')).toEqual(['web1', 'web3']);
  expect(await names('@limit')).toEqual(['web1', 'web3']);
  expect(await problemsOf(() => names('nobody'))).toEqual(['--limit:1:1: nobody matches no host and no group']);
});

test('a play takes over a Compose file, and lays its own keys over it', async () => {
  using project = createProject({
    'hosts.yaml': hosts,
    'deploy/compose.yaml': `services:
  app:
    image: registry.example.com/old:\${TAG:-none}
    ports: ["80:80"]
    labels: { template: "{{.Node}}", price: "$$5" }
    env_file: app.env
  side: { image: "registry.example.com/side:1", networks: [inner] }
networks: { inner: { name: "inner-\${STAGE}" } }
`,
    'deploy/app.env': 'FROM_FILE=1\n',
    'playbook.yaml': playbook('', 'compose: deploy/compose.yaml'),
  });
  const desired = desiredOf(await load(project.options({ extraVars: ['STAGE=prod'], env: { TAG: '7' } })), 'web1');
  expect(desired.services.map(({ name, image, spec }) => [name, image.written, spec])).toEqual([
    [
      'app',
      'registry.example.com/app:1',
      { ports: ['80:80/tcp'], labels: { price: '$5', template: '{{.Node}}' }, environment: { FROM_FILE: '1' } },
    ],
    [
      'side',
      'registry.example.com/side:1',
      expect.objectContaining({ networks: { 'inner-prod': expect.anything() as unknown } }),
    ],
  ]);
  expect(desired.networks).toEqual([{ name: 'inner-prod', external: false, options: {} }]);
});

const shared = 'the same answer';
test.each<[string, string, readonly string[]]>([
  ['one address', '{ type: http, url: "http://lb/state" }', ['url: must hold {server}']],
  ['one of two addresses', '{ type: http, url: ["http://a/{server}", "http://b/all"] }', ['url: must hold {server}']],
  ['another name in braces', '{ type: http, url: "http://lb/{host}" }', ['url: must hold {server}']],
  ['the name in the path', '{ type: http, url: "http://lb/{server}" }', []],
  ['the name in the query', '{ type: http, url: "http://lb/state?name={server}&x=1" }', []],
  ['the name of the host in the address', '{ type: http, url: "http://{server}.lb/state" }', []],
  [
    'a script without the name',
    '{ type: command, command: [sh, -c, "curl -s http://lb/state"] }',
    ['command: its script must use'],
  ],
  [
    'a script of bash without it',
    '{ type: command, command: [/bin/bash, -c, "echo up"] }',
    ['command: its script must use'],
  ],
  ['a script with it', `{ type: command, command: [sh, -c, 'curl -s "http://lb/$0"'] }`, []],
  ['a script with it in braces', `{ type: command, command: [sh, -c, 'curl -s "http://lb/\${1}"', x] }`, []],
  ['a program', '{ type: command, command: [./state.sh] }', []],
])('a balancer that is asked by %s is no answer for several nodes, and may be for one', async (_, balancer, wanted) => {
  for (const [count, found] of [
    [3, wanted],
    [1, []],
  ] as const) {
    using project = createProject({
      'hosts.yaml': hosts.replace('1:3', `1:${count}`),
      'playbook.yaml': playbook('', `load_balancer: ${balancer}`),
    });
    const problems = await problemsOf(() => load(project.options()));
    expect(problems.map((text) => /load_balancer\.(\w+: [\w ]+(?:\{server\})?)/.exec(text)?.[1])).toHaveLength(
      found.length,
    );
    for (const [index, text] of found.entries()) {
      expect(problems[index]).toContain(`load_balancer.${text}`);
      expect(problems[index]).toContain(shared);
    }
  }
});

test('require_locked refuses every tag, of the composition and of services, each at its place', async () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  const files = (app: string, component: string) => ({
    'hosts.yaml': hosts,
    'release.yaml': `name: r\ncomponents:\n  web: ${component}\n  spare: spare:1@${digest}\n`,
    'playbook.yaml': [
      'inventory: hosts.yaml\ncomposition: release.yaml\nrequire_locked: true',
      'plays:\n  - name: web tier\n    hosts: web\n    services:',
      `      web: { ports: ["80:80"] }\n      app:\n        image: ${app}\n`,
    ].join('\n'),
  });
  using tagged = createProject(files('app:1', 'web:1'));
  expect(await problemsOf(() => load(tagged.options()))).toEqual([
    'release.yaml:3:8 components.web: must have a digest (require_locked); got "web:1". Type: rollout composition lock release.yaml',
  ]);
  using half = createProject(files('app:1', `web:1@${digest}`));
  const loaded = await load(half.options());
  expect(await problemsOf(() => Promise.resolve(desiredOf(loaded, 'web1')))).toEqual([
    'playbook.yaml:10:16 plays[0].services.app.image: must have a digest (require_locked); got "app:1". Write name@sha256:…, or leave it out and add the component to a locked composition',
  ]);
  using whole = createProject(files(`app@${digest}`, `web:1@${digest}`));
  const images = desiredOf(await load(whole.options()), 'web1').services.map(({ image }) => image.digest);
  expect(images).toEqual([digest, digest]);
});
