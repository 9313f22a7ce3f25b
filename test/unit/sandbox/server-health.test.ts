import { expect, test } from 'vitest';
import { ServerHealth, type CheckResult } from '../../../src/sandbox/balancer/server-health.ts';

const passed: CheckResult = { passed: true, code: 'L7OK', httpStatus: 200, durationMs: 1 };
const failed: CheckResult = { passed: false, code: 'L4CON', durationMs: 1 };

/** The status after each check: `+` passed, `-` failed. */
function after(checks: string, policy = { intervalMs: 250, fall: 2, rise: 2 }): string[] {
  const health = new ServerHealth(policy, 0);
  return checks.split('').map((check, index) => {
    health.apply(check === '+' ? passed : failed, index);
    return health.status;
  });
}

test("goes down and up through HAProxy's steps", () => {
  expect(after('+--++')).toEqual(['UP', 'UP 1/2', 'DOWN', 'DOWN 1/2', 'UP']);
  expect(after('+-+--+-++', { intervalMs: 1, fall: 3, rise: 2 })).toEqual([
    'UP',
    'UP 2/3',
    'UP',
    'UP 2/3',
    'UP 1/3',
    'UP',
    'UP 2/3',
    'UP',
    'UP',
  ]);
});

test('a server that has just been started or reloaded is up, and down at its first failure', () => {
  expect(new ServerHealth({ intervalMs: 250, fall: 2, rise: 2 }, 0).status).toBe('UP 1/2');
  expect(after('-')).toEqual(['DOWN']);
});

test('draining it is checked on but takes nothing; from maintenance it comes back as if started', () => {
  const health = new ServerHealth({ intervalMs: 250, fall: 2, rise: 2 }, 0);
  health.apply(passed, 0);
  health.setAdmin('drain', 1);
  const draining = { status: health.status, usable: health.isUsable, checked: health.isChecked };
  health.setAdmin('maint', 2);
  const maintained = { status: health.status, usable: health.isUsable, checked: health.isChecked };
  health.setAdmin('ready', 3);
  expect([draining, maintained, health.status]).toEqual([
    { status: 'DRAIN', usable: false, checked: true },
    { status: 'MAINT', usable: false, checked: false },
    'UP 1/2',
  ]);
});
