import { expect, test } from 'vitest';
import { ownScriptText } from '../../../src/docker/command-text.ts';
import {
  observeCommand,
  inspectCommand,
  renameCommand,
  startCommand,
  surveyCommand,
} from '../../../src/docker/commands.ts';
import { stepsCommand } from '../../../src/docker/step-script.ts';
import { updateCommand } from '../../../src/docker/patient.ts';

test('a script of our own is its name and its arguments, those of steps among them', () => {
  const observe = observeCommand({ names: ['app', 'app.next'], images: ['shop/app:1 5'] });
  expect(ownScriptText(observe)).toBe("rollout-observe containers app app.next -- 'shop/app:1 5' -- --");
  const steps = [renameCommand('app', 'app.previous'), updateCommand('app', ['--restart', 'no']), startCommand('app')];
  expect(ownScriptText(stepsCommand(steps))).toBe(
    'rollout-steps docker rename -- app app.previous; rollout-update --restart no -- app; docker start -- app',
  );
});

test('a script behind another one is named too', () => {
  const lock = ['sh', '-c', 'text', 'rollout-lock', '0', '/run/lock', '--', ...surveyCommand];
  expect(ownScriptText(lock)).toBe('rollout-lock 0 /run/lock -- rollout-survey');
});

test('any other command has no such text: a task that starts a shell keeps its own', () => {
  expect(ownScriptText(inspectCommand(['app']))).toBeUndefined();
  expect(ownScriptText(['sh', '-c', 'echo "$0"', 'migrate'])).toBeUndefined();
  expect(ownScriptText(['sh', '-c', 'rollout-observe'])).toBeUndefined();
});
