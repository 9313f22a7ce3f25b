import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { registerValidate } from '../../../src/cli/validate.ts';
import type { Event } from '../../../src/events/event.ts';
import { createPlainRenderer } from '../../../src/render/plain.ts';
import { manualBlock, shownBlocks } from '../../support/manual-blocks.ts';
import { memoryStream } from '../../support/memory-stream.ts';
import { createProject } from '../../support/project.ts';
import { runTextCommand } from '../../support/text-command.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Where a block that stands in no recorded output is compared with what is printed. */
const comparedIn: readonly (readonly [page: string, words: string, test: string])[] = [
  ['docs/embedding.md', 'changed (0)', 'test/scenario/package.test.ts'],
  ['docs/operating.md', '1 as wanted', 'test/scenario/status.test.ts'],
  ['docs/operating.md', 'hosts examined', 'test/scenario/doctor.test.ts'],
  ['docs/operating.md', 'h1 app', 'test/scenario/logs.test.ts'],
  ['docs/strategy.md', 'would be downtime', 'test/scenario/balancer.test.ts'],
  ['docs/strategy.md', 'not put back', 'test/unit/cli/manual-outputs.test.ts'],
  ['docs/schedule.md', 'Done: 6 updated', 'test/unit/cli/manual-outputs.test.ts'],
  ['docs/without-a-registry.md', 'sent 5.0 MB', 'test/unit/cli/manual-outputs.test.ts'],
  ['docs/policy.md', 'must not be true', 'test/unit/cli/manual-outputs.test.ts'],
];

const lines = (text: string): string => text.replace(/[ ]+$/gm, '');

test('every output that the manual shows stands in what was printed, or is compared by a test that is named', () => {
  const recorded = ['render/tty', 'render/plain', 'plan'].flatMap((folder) => {
    const path = join(root, 'test/cases', folder);
    return readdirSync(path)
      .filter((name) => name.endsWith('.txt'))
      .map((name) => lines(readFileSync(join(path, name), 'utf8')));
  });
  const isPrinted = (text: string): boolean =>
    // Parts with an empty line between them may come from one place or from several.
    recorded.some((output) => output.includes(lines(text))) ||
    lines(text)
      .trimEnd()
      .split('\n\n')
      .every((part) => recorded.some((output) => output.includes(`${part}\n`)));
  const others = shownBlocks().filter(({ text }) => !isPrinted(text));
  expect(others.map(({ page, text }) => `${page}: ${text.split('\n')[0] ?? ''}`).toSorted()).toEqual(
    comparedIn.map(([page, words]) => `${page}: ${manualBlock(page, words).split('\n')[0] ?? ''}`).toSorted(),
  );
  for (const [page, words, file] of comparedIn) {
    if (page !== 'docs/embedding.md')
      expect(readFileSync(join(root, file), 'utf8')).toContain(`manualBlock('${page}', '${words}')`);
  }
});

describe('what a line of a run looks like', () => {
  const run = '20261128-020000-x7f3';
  const at = Date.UTC(2026, 10, 28, 2);
  const begin: Event = {
    ...{ v: 1, at, run, type: 'run_started', command: 'run', playbook: 'p.yaml', version: '0.1.0', user: 'deploy' },
    plays: [{ play: 'web tier', hosts: ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'] }],
  };
  const printed = (...events: readonly Event[]): string => {
    const stdout = memoryStream();
    const renderer = createPlainRenderer(stdout, { verbosity: 0 });
    for (const event of [begin, ...events]) renderer.emit(event);
    renderer.close();
    return stdout.text();
  };

  test('of an image that was sent', () => {
    const image = 'registry.example.com/shop/app:1.5';
    const sent = { sentBytes: 5_000_000, totalBytes: 202_300_000, durationMs: 1400 };
    expect(printed({ v: 1, at: at + 3100, run, type: 'image_pushed', host: 'h1', image, ...sent })).toContain(
      manualBlock('docs/without-a-registry.md', 'sent 5.0 MB'),
    );
  });

  test('of a run at its end', () => {
    const hosts = Object.fromEntries(
      ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((host) => [host, { result: 'updated' as const }]),
    );
    const end = { outcome: 'changed', exitCode: 0, hosts, durationMs: 760_000 } as const;
    expect(printed({ v: 1, at: at + 760_000, run, type: 'run_finished', ...end })).toContain(
      manualBlock('docs/schedule.md', 'Done: 6 updated'),
    );
  });

  test('of a node that could not be put back', () => {
    const block = manualBlock('docs/strategy.md', 'not put back');
    const [, message = '', next = ''] = /not put back: (.*)\n {2}next: (.*)\n/.exec(block) ?? [];
    const restored = { serving: false, durationMs: 900, message, next };
    expect(printed({ v: 1, at: at + 23_900, run, type: 'node_restored', host: 'h6', ...restored })).toContain(block);
  });
});

test('what a policy is violated with, in the files of its page', async () => {
  const page = readFileSync(join(root, 'docs/policy.md'), 'utf8');
  const [, policy = ''] = /```yaml\n(# group_vars\/prod\.yaml[^]*?)```/.exec(page) ?? [];
  const playbook = [
    '# The services of the page begin at line 31.',
    ...Array.from({ length: 20 }, () => '#'),
    'name: shop',
    'inventory: ../hosts.yaml',
    'plays:',
    '  - name: agents',
    '    hosts: prod',
    '    load_balancer: { type: none }',
    '    services:',
    '      agent:',
    '        image: registry.example.com/shop/agent@sha256:' + '0'.repeat(64),
    '        privileged: true',
    '        user: "1000"',
    '',
  ].join('\n');
  using project = createProject({
    'hosts.yaml': 'prod: { hosts: { h1: {} } }\n',
    'group_vars/prod.yaml': policy,
    'playbooks/prod.yaml': playbook,
  });
  const { exitCode, stdout, stderr } = await runTextCommand(registerValidate, ['validate', 'playbooks/prod.yaml'], {
    cwd: project.dir,
  });
  expect(exitCode).toBe(2);
  expect(stdout + stderr).toContain(manualBlock('docs/policy.md', 'must not be true'));
});
