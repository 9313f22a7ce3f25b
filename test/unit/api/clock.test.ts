import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/api/surroundings.ts';

const hourMs = 3_600_000;
const src = new URL('../../../src', import.meta.url).pathname;

afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ['back by an hour', -hourMs],
  ['back by a second', -1000],
  ['forward by a day', 24 * hourMs],
  ['to the year 1970', -Date.now()],
])('a machine whose clock is set %s while a run goes on changes no time of the run', (_, byMs) => {
  const startMs = systemClock.now();
  const machineMs = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: machineMs });
  expect(Date.now()).toBe(machineMs);
  vi.setSystemTime(machineMs + byMs);
  expect(Math.abs(Date.now() - machineMs - byMs)).toBeLessThan(1000);
  const passedMs = systemClock.now() - startMs;
  expect(passedMs).toBeGreaterThanOrEqual(0);
  vi.setSystemTime(machineMs + 1000 * hourMs);
  expect(systemClock.now() - startMs).toBeLessThan(hourMs);
});

test('no time of a run is read past its clock; the sandbox is no part of a run', () => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const readers = files.filter((name) => /\bDate\.now\(|new Date\(\)/.test(readFileSync(join(src, name), 'utf8')));
  expect(readers.filter((name) => !name.startsWith('sandbox/'))).toEqual([]);
});
