import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Argv, createWithEnvFileCommand, observeCommand, surveyCommand } from '../../../src/docker/commands.ts';
import { stepsCommand } from '../../../src/docker/step-script.ts';
import { renameStep, startStep, updateStep } from '../../../src/docker/steps.ts';

const id = 'a'.repeat(64);
/** Notes each call with the processors that it may use, and answers as a host with one container. */
const docker = `#!/bin/sh
printf '%s %s\\n' "$1" "\${GOMAXPROCS-as many as there are}" >>"$CALLS"
[ "$1" != ps ] || echo '${id} ours app shop/app:1'
`;

function callsOf(argv: Argv): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'rollout-lean-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'docker'), docker, { mode: 0o755 });
  const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}`, CALLS: join(folder, 'calls') };
  execFileSync(argv[0] ?? '', argv.slice(1), { env, input: '', stdio: 'pipe' });
  return readFileSync(env.CALLS, 'utf8').trim().split('\n');
}

const steps = [updateStep('app', ['--restart=no']), renameStep('app', 'app.previous'), startStep('app')];

test.each<[string, Argv, readonly string[]]>([
  ['a survey', surveyCommand, ['info 1', 'ps 1', 'inspect 1']],
  ['an observation', observeCommand({ names: ['app'], images: ['shop/app:2'] }), ['ps 1', 'container 1', 'image 1']],
  [
    'steps and their look',
    stepsCommand(
      steps.map(({ argv }) => argv),
      ['app'],
    ),
    ['update 1', 'rename 1', 'start 1', 'container 1'],
  ],
])('every docker process of %s uses one processor', (_, argv, calls) => {
  expect(callsOf(argv)).toEqual(calls);
});

test('docker create has the environment of the login: an env file may take variables from it', () => {
  expect(callsOf(createWithEnvFileCommand('app.next', [], 'shop/app:1', []))).toEqual(['create as many as there are']);
});
