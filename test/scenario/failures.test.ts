import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startLoad } from '../../src/sandbox/load.ts';
import { statesOn } from '../support/containers.ts';
import { appsOf, startStage, story, warningsOf, type Stage } from './support/stage.ts';

/** An application that crashes on one host alone. */
const crashesOn = (host: string) => ({
  appKeys: { environment: { APP_FAULT: `{{ 'crash' if inventory_hostname == '${host}' else 'none' }}` } },
});

describe('when something fails', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage();
  });
  beforeEach(() => stage.deploy('1'));
  afterEach(() => stage.reset());
  afterAll(() => stage.close());

  test('the canary goes first and alone, then the others, one at a time and in order', async () => {
    const { events } = await stage.rollout(await stage.playbook(await stage.app('2')));
    expect(story(events)).toEqual([
      'h1 starts: canary',
      'h1 done',
      'bake passed',
      ...['h2', 'h3', 'h4'].flatMap((host) => [`${host} starts: fan_out`, `${host} done`]),
      'changed, exit 0: h1 updated, h2 updated, h3 updated, h4 updated',
    ]);
  });

  test('a version that is taken back leaves no file of its own on the host, and none of the old one is missing', async () => {
    const filesOn = (host: string): readonly string[] =>
      [...stage.fleet.sandbox.host(host).machine.files]
        .filter(([path]) => path.startsWith('/var/lib/rollout/files/'))
        .map(([, content]) => content.toString());
    const withFile = (content: string) => ({ configs: [{ target: '/etc/app.conf', content }] });
    await stage.deploy('1', { appKeys: withFile('of the old version') });
    const crashing = { ...withFile('of the failed version'), ...crashesOn('h1').appKeys };
    const { exitCode } = await stage.rollout(await stage.playbook(await stage.app('2'), { appKeys: crashing }));
    expect(exitCode).toBe(5);
    for (const host of stage.fleet.hosts) expect(filesOn(host)).toEqual(['of the old version']);
  });

  test('a failure says so where the log driver of the container keeps no lines', async () => {
    const appKeys = { ...crashesOn('h1').appKeys, logging: { driver: 'none' } };
    const { events, exitCode } = await stage.rollout(await stage.playbook(await stage.app('2'), { appKeys }));
    expect(exitCode).toBe(5);
    expect(events.flatMap((event) => (event.type === 'node_failed' ? [event.failure.logs] : []))).toEqual([
      ['app: its log driver keeps nothing that docker logs could read. Look where the driver sends its lines.'],
    ]);
  });

  test('a node that is as wanted by the time its turn comes is not started, and said to be unchanged', async () => {
    const playbook = await stage.playbook(await stage.app('1'), { strategy: { canary: { bake: '1s' } } });
    for (const host of ['h1', 'h3']) await stage.fleet.docker(host, ['update', '--restart', 'no', 'app']);
    const run = stage.start(playbook);
    await run.event(({ type }) => type === 'bake_started');
    await stage.fleet.docker('h3', ['update', '--restart', 'always', 'app']);
    expect(story((await run.finished).events)).toEqual([
      'h1 starts: canary',
      'h1 done',
      'bake passed',
      'h3 unchanged',
      'changed, exit 0: h1 updated, h2 unchanged, h3 unchanged, h4 unchanged',
    ]);
  });

  test('a window of two starts the next node as soon as one of them is back', async () => {
    const { events } = await stage.rollout(
      await stage.playbook(await stage.app('2'), {
        // h1 takes longer than all others together.
        appKeys: {
          environment: {
            APP_FAULT: "{{ 'slow_boot' if inventory_hostname == 'h1' else 'none' }}",
            APP_BOOT_MS: '6000',
          },
        },
        strategy: { canary: { hosts: 0 }, max_unavailable: 2, healthy_deadline: '30s' },
      }),
    );
    let out = 0;
    const outAtStarts = events.flatMap(({ type }) => {
      if (type === 'node_done') out -= 1;
      if (type !== 'node_started') return [];
      out += 1;
      return [out];
    });
    expect(outAtStarts).toEqual([1, 2, 2, 2]);
    expect(await stage.versions()).toEqual({ h1: '2', h2: '2', h3: '2', h4: '2' });
  });

  test('a version that fails on the third node alone is taken back from the first two as well, under load', async () => {
    const before = await appsOf(stage);
    const load = startLoad({ url: stage.fleet.frontendUrl, connections: 6, slowMs: [100, 300] });
    const { events, exitCode } = await stage.rollout(
      await stage.playbook(await stage.app('2'), { ...crashesOn('h3'), strategy: { min_available: 3 } }),
    );
    const { failed } = await load.stop();
    expect({ exitCode, failed }).toEqual({ exitCode: 5, failed: 0 });
    expect(story(events)).toEqual([
      'h1 starts: canary',
      'h1 done',
      'bake passed',
      'h2 starts: fan_out',
      'h2 done',
      'h3 starts: fan_out',
      expect.stringMatching(/^h3 failed: verify app: app (exited with code 1|crashed and was restarted)/),
      'h3 restored',
      'h2 starts: rollback',
      'h2 restored',
      'h1 starts: rollback',
      'h1 restored',
      'rolled_back, exit 5: h1 restored, h2 restored, h3 restored, h4 untouched',
    ]);
    expect(await appsOf(stage)).toEqual(before);
    expect(await stage.versions()).toEqual({ h1: '1', h2: '1', h3: '1', h4: '1' });
  });

  test('a play that fails takes back what the plays before it did, the last first, under load', async () => {
    const before = await appsOf(stage);
    const load = startLoad({ url: stage.fleet.frontendUrl, connections: 6, slowMs: [100, 300] });
    const image = await stage.app('2');
    const { events, exitCode } = await stage.rollout(
      await stage.playbook(image, {
        strategy: { min_available: 3, max_unavailable: 1 },
        more: [
          {
            name: 'jobs',
            hosts: 'h1:h2',
            strategy: { min_healthy_time: '100ms', canary: { bake: '0s' } },
            services: { worker: { image, environment: { APP_FAULT: 'crash' } } },
          },
        ],
      }),
    );
    const { failed } = await load.stop();
    expect({ exitCode, failed }).toEqual({ exitCode: 5, failed: 0 });
    expect(story(events).slice(9)).toEqual([
      'h1 starts: canary',
      expect.stringMatching(/^h1 failed: verify worker/),
      'h1 restored',
      ...['h4', 'h3', 'h2', 'h1'].flatMap((host) => [`${host} starts: rollback`, `${host} restored`]),
      'rolled_back, exit 5: h1 restored, h2 restored, h3 restored, h4 restored',
    ]);
    expect(warningsOf(events).filter((message) => message.includes('web tier'))).toEqual([
      expect.stringMatching(/: play "web tier", which was done before, is put back as well$/),
    ]);
    expect(await appsOf(stage)).toEqual(before);
  });

  test('a container that cannot be created lets its node back in, with what it ran, and loses no request', async () => {
    const before = await appsOf(stage);
    const image = await stage.app('2');
    const load = startLoad({ url: stage.fleet.frontendUrl, connections: 6, slowMs: [100, 300] });
    const run = stage.start(await stage.playbook(image, { strategy: { canary: { bake: '1s' }, min_available: 3 } }));
    await run.event((event) => event.type === 'bake_started');
    const planned = run.events.find((event) => event.type === 'plan_ready');
    const pinned = planned?.type === 'plan_ready' ? planned.images[image] : undefined;
    stage.fleet.sandbox.registry.remove('shop/app');
    // What waits for its turn would keep the image.
    await expect.poll(() => statesOn(stage.fleet, 'h2')).toContain('rollout.ahead.app.next created');
    await stage.fleet.docker('h2', ['rm', 'rollout.ahead.app.next']);
    await stage.fleet.docker('h2', ['rmi', '--force', (pinned ?? image).replace(':2@', '@')]);
    const { events, exitCode } = await run.finished;
    const { failed } = await load.stop();
    expect({ exitCode, failed }).toEqual({ exitCode: 5, failed: 0 });
    expect(story(events).slice(3)).toEqual([
      'h2 starts: fan_out',
      expect.stringMatching(
        /^h2 failed: create app\.next from .*: \S+ is no longer on the host, though it had been brought, and it cannot be brought again: .*manifest unknown/,
      ),
      'h2 restored',
      'h1 starts: rollback',
      'h1 restored',
      'rolled_back, exit 5: h1 restored, h2 restored, h3 untouched, h4 untouched',
    ]);
    expect(await appsOf(stage)).toEqual(before);
  });

  test('on_failure: pause leaves what is done, exits 7, and resume goes on once the cause is gone', async () => {
    const image = await stage.app('2');
    const strategy = { on_failure: 'pause' };
    const paused = await stage.rollout(await stage.playbook(image, { ...crashesOn('h2'), strategy }));
    expect(story(paused.events).slice(3)).toEqual([
      'h2 starts: fan_out',
      expect.stringMatching(/^h2 failed: verify app/),
      'h2 restored',
      'paused',
      'paused, exit 7: h1 updated, h2 restored, h3 untouched, h4 untouched',
    ]);
    expect(paused.exitCode).toBe(7);
    await stage.playbook(image, { ...crashesOn('nobody'), strategy });
    const resumed = await stage.rollout('resume', paused.events[0]?.run ?? '');
    expect(story(resumed.events)).toEqual([
      ...['h2', 'h3', 'h4'].flatMap((host) => [`${host} starts: fan_out`, `${host} done`]),
      'changed, exit 0: h1 unchanged, h2 updated, h3 updated, h4 updated',
    ]);
  });

  test('on_failure: continue goes on with the others and exits 3', async () => {
    const { events } = await stage.rollout(
      await stage.playbook(await stage.app('2'), { ...crashesOn('h2'), strategy: { on_failure: 'continue' } }),
    );
    expect(story(events).at(-1)).toBe('failed, exit 3: h1 updated, h2 restored, h3 updated, h4 updated');
    expect(await stage.versions()).toEqual({ h1: '2', h2: '1', h3: '2', h4: '2' });
  });

  test('a node that cannot be put back keeps nobody from it, and the run says what is where and what to type', async () => {
    const playbook = await stage.playbook(await stage.app('2'));
    const run = stage.start(playbook);
    await run.event((event) => event.type === 'drain_started' && event.host === 'h3');
    // As soon as its container has stopped, nothing starts there any more.
    stage.fleet.sandbox.host('h3').engine.leakPort(8080);
    const { events, exitCode } = await run.finished;
    const why = 'driver failed programming external connectivity .*: port is already allocated';
    expect({ exitCode, story: story(events).slice(3) }).toEqual({
      exitCode: 3,
      story: [
        'h2 starts: fan_out',
        'h2 done',
        'h3 starts: fan_out',
        expect.stringMatching(new RegExp(`^h3 failed: start app: ${why}$`)),
        'h3 not put back',
        'h2 starts: rollback',
        'h2 restored',
        'h1 starts: rollback',
        'h1 restored',
        'h3 still not put back',
        'failed, exit 3: h1 restored, h2 restored, h3 failed, h4 untouched',
      ],
    });
    const [stranded] = events.flatMap((event) => (event.type === 'node_restored' && !event.serving ? [event] : []));
    expect(stranded?.message).toMatch(
      new RegExp(`^${why}; what ran before as app is app, exited; health is exited, so the node is out of rotation$`),
    );
    expect(stranded?.next?.replace(/-p \d+ \w+@/, '-p PORT USER@')).toBe(
      "Fix the cause, then: ssh -p PORT USER@127.0.0.1 'docker start app && docker update --restart always health && " +
        "docker start health'",
    );
    // What it says to type puts the node right.
    await stage.fleet.sandbox.host('h3').restartDaemon(0);
    for (const command of /'(.*)'/.exec(stranded?.next ?? '')?.[1]?.split(' && ') ?? [])
      await stage.fleet.docker('h3', command.split(' ').slice(1));
    expect(await stage.versions()).toEqual({ h1: '1', h2: '1', h3: '1', h4: '1' });
    expect((await stage.rollout(playbook, '--limit', 'h3')).exitCode).toBe(0);
  });

  test('a canary that cannot be put back is tried once, and nothing is said of others', async () => {
    const run = stage.start(await stage.playbook(await stage.app('2')));
    await run.event(({ type }) => type === 'drain_started');
    stage.fleet.sandbox.host('h1').engine.leakPort(8080);
    const { events } = await run.finished;
    expect(story(events).slice(2)).toEqual([
      'h1 not put back',
      'failed, exit 3: h1 failed, h2 untouched, h3 untouched, h4 untouched',
    ]);
    expect(warningsOf(events)).toEqual([]);
    await stage.fleet.sandbox.host('h1').restartDaemon(0);
  });

  test('max_failures bears so many failed nodes', async () => {
    const { events } = await stage.rollout(
      await stage.playbook(await stage.app('2'), { ...crashesOn('h2'), strategy: { max_failures: 1 } }),
    );
    expect(story(events).at(-1)).toBe('failed, exit 3: h1 updated, h2 restored, h3 updated, h4 updated');
  });

  test('one failed node more than max_failures, and everything goes back', async () => {
    const appKeys = { environment: { APP_FAULT: "{{ 'none' if inventory_hostname == 'h1' else 'crash' }}" } };
    const { events } = await stage.rollout(
      await stage.playbook(await stage.app('2'), { appKeys, strategy: { max_failures: 1 } }),
    );
    expect(story(events).at(-1)).toBe('rolled_back, exit 5: h1 restored, h2 restored, h3 restored, h4 untouched');
  });

  test('an unreachable host counts as a failure: named with its reason, nothing touched, exit 4', async () => {
    await stage.fleet.hostDown('h4');
    const playbook = await stage.playbook(await stage.app('2'));
    const { exitCode, stderr, events } = await stage.rollout(playbook);
    expect({ exitCode, stderr: stderr.replace(/port \d+/g, 'port N') }).toEqual({
      exitCode: 4,
      stderr: expect.stringMatching(
        /^rollout: 1 of 4 hosts of play "web tier" could not be reached, 0 may \(max_failures\)\n {2}h4: .*refused/,
      ) as string,
    });
    expect(story(events)).toEqual([
      'h4 unreachable',
      'failed, exit 4: h1 untouched, h2 untouched, h3 untouched, h4 untouched',
    ]);
  });

  test('within max_failures an unreachable host is left out, said, and makes the exit code 3', async () => {
    await stage.fleet.hostDown('h4');
    const { events } = await stage.rollout(
      await stage.playbook(await stage.app('2'), { strategy: { max_failures: 1 } }),
    );
    expect(story(events).at(-1)).toBe('changed, exit 3: h4 unreachable, h1 updated, h2 updated, h3 updated');
  });

  test('an unreachable host and a failed node are two failures', async () => {
    await stage.fleet.hostDown('h4');
    const { events } = await stage.rollout(
      await stage.playbook(await stage.app('2'), { ...crashesOn('h2'), strategy: { max_failures: 1 } }),
    );
    expect(story(events).at(-1)).toBe('rolled_back, exit 5: h4 unreachable, h1 restored, h2 restored, h3 untouched');
  });

  test('a host without docker is refused with what to do about it', async () => {
    stage.fleet.sandbox.host('h2').machine.hasDocker = false;
    const { exitCode, stderr } = await stage.rollout(await stage.playbook(await stage.app('2')));
    expect({ exitCode, stderr }).toEqual({
      exitCode: 4,
      stderr:
        'rollout: 1 of 4 hosts of play "web tier" could not be reached, 0 may (max_failures)\n' +
        '  h2: sh: 1: docker: not found\n' +
        '  Install docker on the host, or put it on the PATH of non-interactive sessions.\n',
    });
    expect(await stage.fleet.docker('h1', ['ps', '--format', '{{.Names}}'])).toMatch(/^(health\napp|app\nhealth)\n$/);
  });

  test('a partition of the node under update is waited for, and the run goes on', async () => {
    const playbook = await stage.playbook(await stage.app('2'));
    const { machine } = stage.fleet.sandbox.host('h1');
    const stopped = new Promise<void>((resolve) => {
      // The stop is heard on the host, and its answer by nobody.
      machine.interpose = async (line, io, command) => {
        if (!line.includes('docker stop') || !line.includes('app')) return command(io);
        machine.interpose = undefined;
        await stage.fleet.partition('h1');
        const exitCode = await command(io);
        resolve();
        return exitCode;
      };
    });
    const run = stage.start(playbook);
    await stopped;
    await stage.fleet.heal('h1');
    const { events } = await run.finished;
    expect(story(events).at(-1)).toBe('changed, exit 0: h1 updated, h2 updated, h3 updated, h4 updated');
  });

  test('the node under update may lose its power: it is read again when it is back, and finished', async () => {
    const run = stage.start(await stage.playbook(await stage.app('2')));
    await run.event((event) => event.type === 'op_started' && event.op.text === 'rename app.next to app');
    await stage.fleet.hostDown('h1');
    await run.event((event) => event.type === 'warning' && event.message.includes('reading the host again'));
    await stage.fleet.hostUp('h1');
    const { events } = await run.finished;
    expect(story(events).at(-1)).toBe('changed, exit 0: h1 updated, h2 updated, h3 updated, h4 updated');
  });

  test('while another node has lost its power no node leaves that would be missed', async () => {
    const run = stage.start(
      await stage.playbook(await stage.app('2'), { strategy: { min_available: 3, canary: { bake: '1s' } } }),
    );
    await run.event((event) => event.type === 'bake_started');
    await stage.fleet.hostDown('h4');
    await run.event((event) => event.type === 'bake_finished');
    // Asked over and over for a node that may leave.
    await stage.fleet.sandbox.balancer.asked(10);
    expect(story(run.events)).toEqual(['h1 starts: canary', 'h1 done', 'bake passed']);
    await stage.fleet.hostUp('h4');
    const { events } = await run.finished;
    expect(story(events).at(-1)).toBe('changed, exit 0: h1 updated, h2 updated, h3 updated, h4 updated');
  });
});
