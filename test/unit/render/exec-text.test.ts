import { expect, test } from 'vitest';
import { worstExitCode } from '../../../src/api/exec.ts';
import { formatOutcomes } from '../../../src/render/exec-text.ts';
import { createPainter } from '../../../src/render/paint.ts';

const outcomes = [
  { host: 'h1', exitCode: 0, stdout: 'up 3 days\n', stderr: '' },
  { host: 'h2', exitCode: 0, stdout: 'up 3 days\n', stderr: '' },
  { host: 'h3', exitCode: 2, stdout: '', stderr: 'no\u001b[2J such file\n' },
  { host: 'h4', exitCode: 0, stdout: 'up 3 days\n', stderr: '' },
  { host: 'h5', exitCode: 0, stdout: 'up 3 days\n', stderr: 'a warning\n' },
  { host: 'h6', error: 'h6 port 22 cannot be reached: no answer.' },
  { host: 'h7', exitCode: 0, stdout: '', stderr: '' },
] as const;

test('equal outputs are shown once, with their hosts; what failed says how', () => {
  expect(formatOutcomes(outcomes, createPainter(false))).toBe(
    [
      'h1, h2, h4:',
      '    up 3 days',
      'h3: exit code 2',
      '    no such file',
      'h5:',
      '    up 3 days',
      '    a warning',
      'h6: did not run',
      '    h6 port 22 cannot be reached: no answer.',
      'h7:',
      '',
    ].join('\n'),
  );
});

test('hosts that did not answer in the same words are told of once, with what to do', () => {
  const away = (host: string, address: string) => ({
    host,
    error: `${address} port 22 cannot be reached, as ${host} says.\nIs ${host} up?`,
  });
  const list = [
    away('h1', '10.0.0.1'),
    away('h2', '10.0.0.2'),
    away('h3', '10.0.0.3'),
    { host: 'h4', error: 'h4: no key' },
  ];
  expect(formatOutcomes(list, createPainter(false))).toBe(
    [
      'h1…h3: did not run',
      '    <host> port 22 cannot be reached, as <host> says.',
      '    Is <host> up?',
      'h4: did not run',
      '    h4: no key',
      '',
    ].join('\n'),
  );
});

test.each([
  [[], 0],
  [[outcomes[0]], 0],
  [[outcomes[0], outcomes[2]], 2],
  [[outcomes[0], outcomes[5]], 4],
  [[outcomes[5], { host: 'h8', exitCode: 137, stdout: '', stderr: '' }], 137],
])('the worst exit code of all: %#', (list, wanted) => {
  expect(worstExitCode(list)).toBe(wanted);
});
