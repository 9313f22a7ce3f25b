import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { validateFile } from '../../src/config/validate.ts';
import { formatProblems } from '../../src/render/problems.ts';

const playbook = `name: shop
inventory: hosts.yaml
composition: release.yaml
vars: { registry: registry.example.com, port: 8080, deep: { list: [1, { a: "{{ port }}" }] } }
secrets:
  db_password: { env: DB_PASSWORD }
registries:
  registry.example.com: { username: deploy, password: { secret: db_password } }
plays:
  - name: web tier
    hosts: web:&eu:!web3
    load_balancer: { type: haproxy, stats: ["http://10.0.0.2:8404/stats"], backend: web, via: lb1 }
    health_container: health
    strategy: &strategy
      canary: { hosts: 1, bake: 30s, promote: auto, max_error_ratio: 1% }
      max_unavailable: 25%
      drain: { timeout: 30s, on_timeout: force }
    networks: { backend: {} }
    services:
      health: { ports: ["8081:8080"] }
      app:
        image: "{{ registry }}/shop/app:{{ tag | default('1.4') }}"
        ports: ["{{ port }}:8080"]
        environment: { ZONE: "{{ zone }}", DB_PASSWORD: { secret: db_password } }
        depends_on: [health]
        when: facts.memory_mb >= 512
        mem_limit: "{{ (facts.memory_mb * 0.7) | int }}m"
        command: "{% for h in groups.web %}{{ hostvars[h].zone }},{% endfor %}"
        probe: { http: { port: 8080, path: /ready }, interval: 500ms }
    tasks:
      - { name: migrate, command: [migrate, "{{ deep.list[1].a }}"], when: port is defined and port > 80 }
  - name: second
    hosts: [db]
    strategy: *strategy
    services: { health: }
`;

const yamlInventory = `all:
  vars: { zone: z0 }
  children:
    web: { hosts: { "web[1:4]": { zone: "z{{ 1 }}" } } }
    eu: { hosts: { web1: , web2: , web3: }, vars: { ansible_group_priority: 2, zone: eu } }
    db: { hosts: { db1: { ansible_host: 10.0.0.5, ansible_port: 2222 } } }
    lb: { hosts: { lb1: } }
`;

const iniInventory = `lb1 ansible_host=10.0.0.2
[web]
web[1:4] zone='z1' weight=5 tags="['a', 'b']" # a comment
[eu]
web[1:3]:2222
[db]
db1 conf="{'a': [1, 2.5, None]}" ; x
[all:vars]
zone=z0
limit=0x1F
[site:children]
web
db
`;

const composition = `name: release
components:
  health: registry.example.com/shop/health:1.0
  app: registry.example.com/shop/app:1.4
`;

const fragments = [
  ...[
    '{{',
    '}}',
    '{%',
    '%}',
    '{{ x }}',
    '{{ facts.cpus }}',
    '{{ nope }}',
    '"',
    "'",
    ':',
    ': ',
    '- ',
    '#',
    '&a ',
    '*a',
    '<<: ',
    '!vault ',
    '!x ',
  ],
  ...[
    '\n',
    '\n  ',
    '\t',
    '[',
    ']',
    '{',
    '}',
    ',',
    '|',
    '>',
    '~',
    '%',
    '@',
    '\\',
    '\0',
    '\u2028',
    'é',
    '🙂',
    '---\n',
    '...\n',
    '\r\n',
  ],
  ...[
    'null',
    'true',
    '-1',
    '99999999999999999999',
    '1e999',
    '.nan',
    '__proto__',
    'constructor',
    'toString',
    '{}',
    '[]',
    '[1:99999999]',
    '0x',
    '1:2:3',
  ],
  ...[
    'web',
    'secret',
    'env',
    'plays',
    'hosts',
    'vars',
    'children',
    'services',
    'image',
    'when',
    ':vars]',
    ':children]',
    '[web]',
  ],
];

/** Damages a text in a few places: characters, words and lines are taken out, doubled, swapped or replaced. */
const damage = fc.array(
  fc.record({
    kind: fc.constantFrom('insert', 'delete', 'replace', 'double_line', 'delete_line', 'swap_lines', 'indent', 'cut'),
    at: fc.nat(100_000),
    length: fc.integer({ min: 1, max: 12 }),
    fragment: fc.oneof(fc.constantFrom(...fragments), fc.string({ maxLength: 4 })),
  }),
  { minLength: 1, maxLength: 4 },
);

type Damage = typeof damage extends fc.Arbitrary<infer Steps> ? Steps : never;

function damaged(text: string, steps: Damage): string {
  return steps.reduce((current, { kind, at, length, fragment }) => {
    const offset = at % (current.length + 1);
    const lines = current.split('\n');
    const line = at % lines.length;
    switch (kind) {
      case 'insert':
        return current.slice(0, offset) + fragment + current.slice(offset);
      case 'delete':
        return current.slice(0, offset) + current.slice(offset + length);
      case 'replace':
        return current.slice(0, offset) + fragment + current.slice(offset + length);
      case 'double_line':
        return lines.toSpliced(line, 0, lines[line] ?? '').join('\n');
      case 'delete_line':
        return lines.toSpliced(line, 1).join('\n');
      case 'swap_lines':
        return lines.with(line, lines[(line + length) % lines.length] ?? '').join('\n');
      case 'indent':
        return lines.with(line, `${' '.repeat(length)}${lines[line] ?? ''}`).join('\n');
      case 'cut':
        return current.slice(0, offset);
    }
  }, text);
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollout-property-'));
  mkdirSync(join(folder, 'group_vars'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const options = { inventories: [], extraVars: [], tags: [], skipTags: [], become: false, env: {} };

/** How many damaged files a run tries; npm run fuzz:config tries 10,000. */
const runs = Number(process.env['CONFIG_RUNS'] ?? 2_000);

async function expectPlaces(file: string, inventories: readonly string[] = []): Promise<void> {
  const { problems, warnings } = await validateFile(file, { ...options, inventories, cwd: folder });
  for (const { file: named, line, column, message } of [...problems, ...warnings]) {
    expect(named).not.toBe('');
    expect(line).toBeGreaterThanOrEqual(1);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(message).not.toBe('');
  }
  expect(formatProblems(problems)).toContain(problems.length === 1 ? '1 problem' : `${problems.length} problems`);
}

test(
  'a damaged playbook never ends in an exception, and every problem has its place',
  { timeout: 600_000 },
  async () => {
    writeFileSync(join(folder, 'hosts.yaml'), yamlInventory);
    writeFileSync(join(folder, 'release.yaml'), composition);
    await fc.assert(
      fc.asyncProperty(damage, async (steps) => {
        writeFileSync(join(folder, 'playbook.yaml'), damaged(playbook, steps));
        await expectPlaces('playbook.yaml');
      }),
      { numRuns: Math.ceil(runs / 2) },
    );
  },
);

test(
  'a damaged inventory never ends in an exception, and every problem has its place',
  { timeout: 600_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(damage, fc.constantFrom('hosts.yaml', 'hosts', 'group_vars/web.yaml'), async (steps, name) => {
        const original = {
          'hosts.yaml': yamlInventory,
          hosts: iniInventory,
          'group_vars/web.yaml': 'zone: z{{ 1 }}\nlist: [1, yes, {a: ~}]\n',
        };
        writeFileSync(join(folder, 'hosts.yaml'), yamlInventory);
        writeFileSync(join(folder, name), damaged(original[name], steps));
        await expectPlaces(name === 'hosts' ? 'hosts' : 'hosts.yaml');
      }),
      { numRuns: Math.ceil(runs / 2) },
    );
  },
);
