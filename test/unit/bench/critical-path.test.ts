import { expect, test } from 'vitest';
import { splitNodes, type NodeWitness } from '../../../bench/critical-path.ts';
import type { Event, EventBody } from '../../../src/events/event.ts';

const at = (atMs: number, body: EventBody): Event => ({ v: 1, at: atMs, run: 'r', ...body });
const command = (host: string, fromMs: number, untilMs: number, commandLine: string): Event =>
  at(untilMs, { type: 'command_run', host, commandLine, exitCode: 0, durationMs: untilMs - fromMs });
const started = (host: string, atMs: number, role: 'canary' | 'fan_out' | 'rollback'): Event =>
  at(atMs, { type: 'node_started', host, play: 'web', role, cause: 'app: image 1 → 2', ops: 7 });

const witness: NodeWitness = {
  healthStoppedAtMs: 1200,
  healthStartedAtMs: 2600,
  appStartedAtMs: 2380,
  appListensAtMs: 2450,
  shown: [
    { atMs: 1000, state: 'up' },
    { atMs: 1500, state: 'between' },
    { atMs: 2000, state: 'out' },
    { atMs: 3000, state: 'between' },
    { atMs: 3500, state: 'up' },
  ],
};

// 1000   read the host                                       ours  50
// 1050   docker create                                       docker 50
// 1100   docker stop health; it ends at 1200                 docker 100
// 1200   the balancer, until 2000; docker stop until 1230    balancer 800
// 2000   our second look                                     ours 100
// 2100   docker stop app                                     docker 200
// 2300   docker start app; it runs at 2380, listens at 2450,
//        the command ends at 2400                            docker 80, application 70
// 2450   verified                                            ours 50
// 2500   docker start health; it runs at 2600                docker 100
// 2600   the balancer, until 3500                            balancer 900
// 3500   seen                                                ours 40
// 3540   done
const journal: readonly Event[] = [
  command('h1', 1000, 1050, "sh -c 'docker ps -aq; docker container inspect app' rollout-observe app"),
  started('h1', 1050, 'canary'),
  command('h1', 1050, 1100, 'docker create --name=app.next app@sha256:2'),
  command('h1', 1100, 1230, 'docker stop --time 5 health'),
  command('h2', 1900, 2100, 'docker stop --time 5 health'),
  command('h1', 2100, 2300, 'docker stop --time 10 app'),
  command('h1', 2300, 2400, 'docker start app'),
  command('h1', 2450, 2500, 'docker container inspect app'),
  command('h1', 2500, 2640, 'docker start health'),
  at(3540, { type: 'node_done', host: 'h1', play: 'web', result: 'updated', durationMs: 2540 }),
];

test('a node’s time is split into docker, application, balancer and ours, and the parts add up', () => {
  const [node, ...others] = splitNodes(journal, new Map([['h1', witness]]));

  expect(others).toEqual([]);
  expect(node).toEqual({
    host: 'h1',
    role: 'canary',
    totalMs: 2540,
    balancerMs: 1700,
    applicationMs: 70,
    dockerMs: 530,
    oursMs: 240,
  });
});

test('what goes on while the balancer is waited for costs nothing', () => {
  const ahead = [...journal, command('h1', 1300, 1900, 'docker create --name=app.next app@sha256:2')];

  expect(splitNodes(ahead, new Map([['h1', witness]]))).toEqual(splitNodes(journal, new Map([['h1', witness]])));
});

test('a node that was put back, or that nobody watched, is no measure', () => {
  const rollback = journal.map((event) =>
    event.type === 'node_started' ? started('h1', event.at, 'rollback') : event,
  );

  expect(splitNodes(rollback, new Map([['h1', witness]]))).toEqual([]);
  expect(splitNodes(journal, new Map())).toEqual([]);
});

test('a balancer that never shows the change leaves its wait to us', () => {
  const blind = { ...witness, shown: [] };

  expect(splitNodes(journal, new Map([['h1', blind]]))[0]).toMatchObject({ balancerMs: 0, oursMs: 1870 });
});
