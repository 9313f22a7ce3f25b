import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Examination } from '../../src/api/doctor.ts';
import { containersOn } from '../support/containers.ts';
import { manualBlock } from '../support/manual-blocks.ts';
import { startStage, type Stage } from './support/stage.ts';

let stage: Stage;
let image: string;
beforeAll(async () => {
  stage = await startStage({ hosts: 3 });
  image = await stage.deploy('1');
});
beforeEach(() => stage.reset());
afterAll(() => stage.close());

const examined = async (file: string, ...args: readonly string[]) => {
  const { exitCode, stdout, stderr } = await stage.rollout('doctor', file, ...args);
  return { exitCode, stderr, found: JSON.parse(stdout) as Examination };
};

test('a fleet in order: nothing to say of, exit code 0', async () => {
  const { exitCode, stdout, stderr } = await stage.plain('doctor', await stage.playbook(image));
  expect({ exitCode, stderr, lines: stdout.trimEnd().split('\n') }).toEqual({
    exitCode: 0,
    stderr: '',
    lines: [
      '✓ in order: connection, host key, login, sudo, shell, tools, docker, clock, disk, limits, forwarding, ports, plan, registry, balancer',
      '3 hosts examined: all good',
    ],
  });
});

test('--drain takes the node out and back, and leaves its containers as they were', async () => {
  const before = await containersOn(stage.fleet, 'h3');
  const { exitCode, found } = await examined(await stage.playbook(image), '--drain', 'h3');
  expect({ exitCode, findings: found.findings, host: found.drain?.host }).toEqual({
    exitCode: 0,
    findings: [],
    host: 'h3',
  });
  const withoutStart = (lines: readonly string[]) => lines.map((line) => line.split(' ').filter((_, at) => at !== 4));
  expect(withoutStart(await containersOn(stage.fleet, 'h3'))).toEqual(withoutStart(before));
});

test('--drain of a node that min_available keeps in is refused, and nothing is stopped', async () => {
  const before = await containersOn(stage.fleet, 'h2');
  const file = await stage.playbook(image, { strategy: { min_available: 3 } });
  const { exitCode, found } = await examined(file, '--drain', 'h2');
  expect({ exitCode, message: found.findings[0]?.message }).toEqual({
    exitCode: 2,
    message: 'not taken out: 2 other nodes get requests, at least 3 must (min_available)',
  });
  expect(await containersOn(stage.fleet, 'h2')).toEqual(before);
});

test('--drain where the check asks the application itself: said with the fix, and the health container runs again', async () => {
  const file = await stage.playbook(image, {
    play: { health_container: 'app' },
    strategy: { drain: { timeout: '300ms' } },
  });
  const { exitCode, found } = await examined(file, '--drain', 'h1');
  expect(exitCode).toBe(2);
  expect(found.findings).toMatchObject([
    { level: 'error', area: 'drain', host: 'h1', fix: expect.stringContaining('check port') as string },
  ]);
  expect(found.findings[0]?.message).toContain("after app had stopped: the balancer's check asks something else");
  expect((await containersOn(stage.fleet, 'h1')).filter((line) => line.includes(' running always '))).toHaveLength(2);
});

test('hosts that are away are exit code 4, with all else examined', async () => {
  await stage.fleet.hostDown('h2');
  const { exitCode, found } = await examined(await stage.playbook(image));
  expect({
    exitCode,
    away: found.findings.filter(({ level }) => level === 'error').map(({ host, area }) => `${host} ${area}`),
  }).toEqual({
    exitCode: 4,
    away: ['h2 connection'],
  });
});

test('each kind of trouble is a finding of its own, at once', async () => {
  await stage.fleet.docker('h1', ['create', '--name', 'legacy', '-p', '9200:8080', image]);
  await stage.fleet.docker('h1', ['start', 'legacy']);
  await stage.fleet.docker('h1', ['create', '--name', 'app.next', image]);
  const file = await stage.playbook(`${stage.fleet.registry}/shop/app:no-such-tag`, {
    appKeys: { ports: ['8080:8080', '9200:8080'] },
    play: {
      load_balancer: {
        type: 'haproxy',
        stats: [stage.fleet.statsUrl],
        backend: 'web',
        server: 'node-{{ inventory_hostname }}',
      },
    },
  });
  stage.fleet.sandbox.host('h3').machine.hasDocker = false;
  const { exitCode, found } = await examined(file);
  expect(exitCode).toBe(2);
  const areas = new Map(
    found.findings
      .filter(({ level }) => level === 'error')
      .map(({ area, host, message }) => [`${host ?? '-'} ${area}`, message]),
  );
  expect([...areas.keys()].toSorted()).toEqual([
    'h1 balancer',
    'h1 plan',
    'h1 ports',
    'h1 registry',
    'h2 balancer',
    'h2 registry',
    'h3 docker',
  ]);
  expect(areas.get('h1 ports')).toContain('port 9200 of app is taken by container legacy');
  await stage.fleet.docker('h1', ['rm', '-f', 'legacy', 'app.next']);
});

test('the page of the manual shows what is printed', async () => {
  await stage.fleet.docker('h3', ['create', '--name', 'legacy', '-p', '9200:8080', image]);
  await stage.fleet.docker('h3', ['start', 'legacy']);
  stage.fleet.sandbox.host('h2').machine.hasDocker = false;
  for (const balancer of stage.fleet.sandbox.balancers) balancer.setWeight('h1', 0);
  const file = await stage.playbook(image, { appKeys: { ports: ['8080:8080', '9200:8080'] } });
  const { stdout } = await stage.plain('doctor', file);
  const withoutAddress = (text: string): string => text.replace(/at [\d.:]+\/stats/, 'at ADDRESS');
  expect(withoutAddress(stdout)).toBe(withoutAddress(manualBlock('docs/operating.md', 'hosts examined')));
  await stage.fleet.docker('h3', ['rm', '-f', 'legacy']);
});

test('a host that no play has is said with the one that was meant', async () => {
  const { exitCode, stderr } = await stage.plain('doctor', await stage.playbook(image), '--drain', 'h33');
  expect({ exitCode, stderr }).toEqual({
    exitCode: 2,
    stderr: 'rollout: --drain h33: there is no such host in the plays\n  did you mean h3?\n',
  });
});
