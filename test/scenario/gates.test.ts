import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Event, EventOf } from '../../src/events/event.ts';
import { containersOn } from '../support/containers.ts';
import { startStage, story, type Stage } from './support/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ hosts: 3 });
});
beforeEach(() => stage.deploy('1'));
afterEach(() => stage.reset());
afterAll(() => stage.close());

/** A program beside the playbook. */
async function program(name: string, lines: readonly string[]): Promise<string> {
  const file = join(stage.fleet.dir, name);
  await writeFile(file, `#!/bin/sh\n${lines.join('\n')}\n`);
  await chmod(file, 0o755);
  return `./${name}`;
}

const gated = async (gate: object, parts: { readonly top?: object; readonly services?: object } = {}) => {
  const app = await stage.app('2');
  const health = await stage.fleet.publish('shop/health', '1');
  const services = {
    health: { image: health, ports: ['8081:8080'], restart: 'always' },
    app: { image: app, ports: ['8080:8080'], restart: 'always' },
    ...parts.services,
  };
  return stage.playbook(app, { play: { gate, services }, top: { ...parts.top } });
};
/** Without the verdict on traffic, which is not what this is about. */
const storyOf = (events: readonly Event[]) => story(events).filter((line) => !line.startsWith('bake '));
const told = (events: readonly Event[]) =>
  events
    .filter((event): event is EventOf<'gate_finished'> => event.type === 'gate_finished')
    .map(({ hosts, ok, exitCode, message, output }) => ({ hosts, ok, exitCode, message, output }));

test('a gate that ends with 0 lets the others go on, and is told of run, composition, hosts and canaries', async () => {
  const app = await stage.app('2');
  const composition = join(stage.fleet.dir, 'rc_1.yaml');
  await writeFile(composition, JSON.stringify({ name: 'rc_1', components: { app } }));
  const smoke = await program('smoke.sh', [
    'env | grep ^ROLLOUT_ | grep -v STATE | sort',
    'echo "to $SHOP with $TOKEN"',
  ]);
  process.env['GATE_TOKEN'] = 's3cr3t-of-the-gate';
  const file = await gated(
    { command: [smoke], environment: { SHOP: 'x', TOKEN: { secret: 'token' } } },
    { top: { composition, secrets: { token: { env: 'GATE_TOKEN' } } }, services: { app: { ports: ['8080:8080'] } } },
  );
  const { exitCode, events } = await stage.rollout(file);
  expect({ exitCode, told: told(events), story: storyOf(events) }).toEqual({
    exitCode: 0,
    told: [
      {
        hosts: ['h1'],
        ok: true,
        exitCode: 0,
        message: 'exit code 0',
        output: [
          'ROLLOUT_CANARIES=h1',
          'ROLLOUT_COMPOSITION=rc_1',
          'ROLLOUT_HOSTS=h1,h2,h3',
          'ROLLOUT_PLAY=web tier',
          'ROLLOUT_PLAYBOOK=shop',
          `ROLLOUT_RUN=${events[0]?.run ?? '?'}`,
          expect.stringMatching(/^to x with (?!s3cr3t)/) as string,
        ],
      },
    ],
    story: [
      'h1 starts: canary',
      'h1 done',
      'h2 starts: fan_out',
      'h2 done',
      'h3 starts: fan_out',
      'h3 done',
      'changed, exit 0: h1 updated, h2 updated, h3 updated',
    ],
  });
  expect(JSON.stringify(events)).not.toContain('s3cr3t-of-the-gate');
});

test.each([
  [
    'exits with 3',
    ['echo basket is empty >&2', 'exit 3'],
    {},
    { exitCode: 3, message: 'exit code 3', output: ['basket is empty'] },
  ],
  [
    'hangs',
    ['echo wait', 'exec sleep 60'],
    { timeout: '300ms' },
    { exitCode: undefined, message: 'it did not end within 0.3 s', output: ['wait'] },
  ],
])(
  'a gate that %s is a failure as the canary is: it goes back, and the others are untouched',
  async (_, lines, over, answer) => {
    const file = await gated({ command: [await program('fails.sh', lines)], ...over });
    const { exitCode, events } = await stage.rollout(file);
    expect({ exitCode, told: told(events), story: storyOf(events) }).toEqual({
      exitCode: 5,
      told: [{ hosts: ['h1'], ok: false, ...answer }],
      story: [
        'h1 starts: canary',
        'h1 done',
        `h1 failed: gate: ${answer.message}`,
        'h1 starts: rollback',
        'h1 restored',
        'rolled_back, exit 5: h1 restored, h2 untouched, h3 untouched',
      ],
    });
    expect(await stage.versions()).toEqual({ h1: '1', h2: '1', h3: '1' });
  },
);

test('the container of a service runs once at the gate, on the canary, and is part of nothing else', async () => {
  const image = await stage.app('2');
  const smoke = (command: string) => ({ smoke: { image, entrypoint: ['sh', '-c', command] } });
  const failed = await stage.rollout(await gated({ service: 'smoke' }, { services: smoke('echo no basket; exit 4') }));
  expect({ exitCode: failed.exitCode, told: told(failed.events) }).toEqual({
    exitCode: 5,
    told: [
      { hosts: ['h1'], ok: false, exitCode: 4, message: 'exit code 4', output: [expect.stringMatching(/no basket$/)] },
    ],
  });
  const passed = await stage.rollout(await gated({ service: 'smoke' }, { services: smoke('true') }));
  expect({ exitCode: passed.exitCode, ok: told(passed.events).map(({ ok }) => ok) }).toEqual({
    exitCode: 0,
    ok: [true],
  });
  for (const host of stage.fleet.hosts)
    expect((await containersOn(stage.fleet, host)).filter((line) => line.includes('smoke'))).toEqual([]);
  const again = await stage.rollout(await gated({ service: 'smoke' }, { services: smoke('true') }));
  expect({ outcome: again.events.at(-1), told: told(again.events) }).toMatchObject({
    outcome: { outcome: 'unchanged' },
    told: [],
  });
});

test('a plan says what the gate is and asks nothing; a run that is stopped at its gate asks again when it goes on', async () => {
  const open = join(stage.fleet.dir, 'open');
  const file = await gated({
    command: [await program('waits.sh', [`[ -e ${open} ] || exec sleep 60`])],
    timeout: '90s',
  });
  const { stdout } = await stage.plain('plan', file);
  expect(stdout).toMatch(/\n {2}Gate after the canary: \.\/waits\.sh at the controller, 1.m.30.s at most\.\n/);
  const running = stage.start(file);
  await running.event(({ type }) => type === 'gate_started');
  running.process.kill('SIGINT');
  const stopped = await running.finished;
  expect({ exitCode: stopped.exitCode, told: told(stopped.events) }).toEqual({ exitCode: 130, told: [] });
  await writeFile(open, '');
  const resumed = await stage.rollout('resume', stopped.events[0]?.run ?? '');
  expect({ exitCode: resumed.exitCode, ok: told(resumed.events).map(({ ok }) => ok) }).toEqual({
    exitCode: 0,
    ok: [true],
  });
  expect(await stage.versions()).toEqual({ h1: '2', h2: '2', h3: '2' });
});
