import { expect, test } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { ciSystemOf, createCiRenderer, type CiSystem } from '../../../src/render/ci-log.ts';
import { streams } from '../../support/event-streams.ts';
import { memoryStream } from '../../support/memory-stream.ts';

function render(system: CiSystem, events: readonly Event[]): string {
  const stdout = memoryStream();
  const renderer = createCiRenderer(system, stdout, { verbosity: 0 });
  for (const event of events) renderer.emit(event);
  renderer.close();
  return stdout.text();
}

const systems = ['github', 'gitlab'] as const;

for (const system of systems) {
  for (const name of ['canaryFails', 'refused', 'rolling'] as const) {
    test(`the log of the run '${name}' for ${system}`, async () => {
      await expect(render(system, streams[name]())).toMatchFileSnapshot(`../../cases/render/ci/${name}-${system}.txt`);
    });
  }
}

/** As the runner of GitHub Actions reads a line: `::name …::` behind blanks, or `##[name]` anywhere. */
const githubCommand = /^\s*::([\w-]+)|##\[([\w-]+)\]/;

const hostile = [
  'all good\n::set-env name=PATH::/evil',
  'all good\n  ::add-mask::e',
  'all good\r\n::error::forged',
  'all good\n\u001b[0m::warning::forged',
  'all good\n:\u001b[0m:warning::forged',
  'all good\n:::warning::forged',
  'all good ##[group]forged',
  'all good #\u001b[0m#[error]forged',
  '::stop-commands::never',
  'all good\u001b[0Ksection_start:1:x\r\u001b[0Kforged',
];

test.each(hostile)('no system obeys what a host prints: %j', (text) => {
  const [started, ...others] = streams.canaryFails();
  if (started === undefined) throw new Error('no event');
  const { at, run } = started;
  const failed = others.find((event) => event.type === 'node_failed');
  if (failed === undefined) throw new Error('no failure');
  const ready = others.find((event) => event.type === 'plan_ready');
  if (ready === undefined) throw new Error('no plan');
  const events: readonly Event[] = [
    started,
    { v: 1, at, run, type: 'warning', host: text, message: text },
    { ...ready, text },
    { ...failed, failure: { ...failed.failure, message: text, logs: text.split('\n'), next: text } },
  ];
  const commands = render('github', events)
    .split('\n')
    .flatMap((line) => {
      const found = githubCommand.exec(line);
      return found === null ? [] : [found[1] ?? found[2]];
    });
  expect(commands).toEqual(['group', 'warning', 'endgroup', 'group', 'error', 'endgroup']);
  const sections = render('gitlab', events).split('\u001b[0K').length - 1;
  // Two groups, each with two marks of its begin and two of its end.
  expect(sections).toBe(8);
});

test('at most ten of each level are annotated, and every group that was opened is closed', () => {
  const [started] = streams.rolling();
  if (started === undefined) throw new Error('no event');
  const { at, run } = started;
  const warnings = Array.from({ length: 25 }, (_, index): Event => ({
    v: 1,
    at,
    run,
    type: 'warning',
    message: `${index}`,
  }));
  const text = render('github', [started, ...warnings]);
  expect(text.match(/^::warning /gm)).toHaveLength(10);
  expect(text.match(/^::group::/gm)).toHaveLength(1);
  expect(text.match(/^::endgroup::/gm)).toHaveLength(1);
});

test.each([
  [{ GITHUB_ACTIONS: 'true' }, 'github'],
  [{ GITLAB_CI: 'true' }, 'gitlab'],
  [{ GITHUB_ACTIONS: '' }, undefined],
  [{ GITLAB_CI: 'false' }, undefined],
  [{ CI: 'true' }, undefined],
  [{}, undefined],
])('the system is told by its variables: %j', (env, system) => {
  expect(ciSystemOf(env)).toBe(system);
});
