import { expect, test } from 'vitest';
import { runGateCommand } from '../../../src/check/gate-command.ts';

const run = (argv: readonly string[], options: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
  runGateCommand(
    { kind: 'command', argv, folder: '/' },
    { ROLLOUT_RUN: 'r1' },
    { timeoutMs: 20_000, signal: new AbortController().signal, ...options },
  );
const shell = (text: string): readonly string[] => ['/bin/sh', '-c', text];

test('a gate has the controller’s environment and what it is told, and its output is kept', async () => {
  expect(await run(shell('echo "$ROLLOUT_RUN ${PATH:+found}"; echo b >&2'))).toEqual({
    exitCode: 0,
    message: 'exit code 0',
    output: ['r1 found', 'b'],
  });
});

test.each([
  [
    'another exit code',
    shell('echo no basket; exit 7'),
    { exitCode: 7, message: 'exit code 7', output: ['no basket'] },
  ],
  ['a signal', shell('kill -9 $$'), { message: 'it was ended by SIGKILL', output: [] }],
  ['no such program', ['/absent'], { message: 'there is no command /absent; paths are relative to /', output: [] }],
  ['no program', ['/etc/passwd'], { message: '/etc/passwd may not be run (chmod +x)', output: [] }],
])('%s does not open it', async (_, argv, answer) => {
  expect(await run(argv)).toEqual(answer);
});

test('one that hangs is ended with all that it has started', async () => {
  expect(await run(shell('echo a; sleep 600 & wait'), { timeoutMs: 200 })).toEqual({
    message: 'it did not end within 0.2 s',
    output: ['a'],
  });
});

test('of much output the last 50 lines are kept', async () => {
  const { output } = await run(shell('i=0; while [ $i -lt 9000 ]; do echo "line $i"; i=$((i+1)); done'));
  expect([output.length, output.at(0), output.at(-1)]).toEqual([50, 'line 8950', 'line 8999']);
});

test('one that is cut off has said nothing', async () => {
  const stopped = new AbortController();
  stopped.abort();
  expect(await run(shell('exit 0'), { signal: stopped.signal })).toEqual({ message: 'it was stopped', output: [] });
});
