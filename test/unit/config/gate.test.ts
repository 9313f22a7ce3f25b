import { expect, test } from 'vitest';
import { loadPlaybook } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/model/problem.ts';
import { createProject } from '../../support/project.ts';

const playbook = (gate: string, more = ''): string =>
  `inventory: hosts.yaml
secrets: { token: { env: PATH } }
plays:
  - name: web tier
    hosts: web
    health_container: health
    vars: { what: basket }
    gate: ${gate}
    services:
      health: { image: registry.example.com/health:1 }
      app: { image: registry.example.com/app:1 }
      smoke: { image: registry.example.com/smoke:1, restart: always }
      basket: { image: registry.example.com/basket:1 }
${more}`;

async function load(gate: string, more = ''): Promise<unknown> {
  using project = createProject({
    'hosts.yaml': 'web:\n  hosts:\n    web[1:2]:\n',
    'playbook.yaml': playbook(gate, more),
  });
  try {
    const loaded = await loadPlaybook(project.options());
    const [play] = loaded.plays;
    const [host] = play?.hosts ?? [];
    if (play === undefined || host === undefined) throw new Error('there is no play');
    const wanted = loaded.desired(play, host, undefined);
    return { gate: play.gate, at: wanted.gate?.name, services: wanted.services.map(({ name }) => name) };
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
}

test('a command is rendered for the play, with variables beside it', async () => {
  expect(await load('{ command: [./smoke.sh, "{{ what }}", 8080], environment: { A: 1 }, timeout: 90s }')).toEqual({
    gate: {
      asks: { kind: 'command', argv: ['./smoke.sh', 'basket', '8080'], folder: expect.any(String) as string },
      environment: { A: '1' },
      timeoutMs: 90_000,
    },
    at: undefined,
    services: ['health', 'app', 'smoke', 'basket'],
  });
});

test('a service at the gate is taken out of those that run on the hosts', async () => {
  expect(await load('{ service: basket, host: web2 }')).toMatchObject({
    gate: { asks: { kind: 'container', service: 'basket', host: 'web2' }, timeoutMs: 600_000 },
    at: 'basket',
    services: ['health', 'app', 'smoke'],
  });
});

test.each([
  ['{}', 'plays[0].gate: must have one of command and service'],
  ['{ command: [x], service: app }', 'plays[0].gate: must have one of command and service'],
  ['{ command: [x], host: web1 }', 'plays[0].gate.host: is for service; a command runs at the controller'],
  ['{ service: bascet }', 'plays[0].gate.service: must name a service of this play; got bascet. Did you mean basket?'],
  ['{ service: health }', 'plays[0].gate.service: must not be the health container; got health'],
  ['{ service: basket, host: web3 }', 'plays[0].gate.host: must be a host of this play; got web3. Did you mean web1?'],
  ['{ command: [x], timeout: 0s }', 'plays[0].gate.timeout: must be more than 0'],
  [
    '{ command: [x], environment: { "A B": y } }',
    'plays[0].gate.environment["A B"]: must be a name of letters, digits and _',
  ],
  ['{ service: smoke }', 'plays[0].services.smoke.restart: leave it out: a container at a gate runs once'],
])('gate: %s is refused', async (gate, problem) => {
  expect(await load(gate)).toEqual([expect.stringContaining(problem)]);
});

test('a secret that nobody knows, and a play without a canary, are refused', async () => {
  expect(await load('{ command: [x], environment: { A: { secret: tokn } } }')).toEqual([
    expect.stringMatching(/^plays\[0\]\.gate\.environment\.A\.secret: .*tokn/),
  ]);
  expect(await load('{ command: [x] }', '    strategy: { canary: { hosts: 0 } }')).toEqual([
    'plays[0].gate: stands after the canary, and strategy.canary.hosts is 0; write 1 or more there',
  ]);
});
