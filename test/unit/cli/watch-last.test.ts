import { expect, test } from 'vitest';
import { withWatchLast } from '../../../src/cli/status.ts';

test.each([
  ['status --watch prod.yaml', 'status prod.yaml --watch'],
  ['status -w playbooks/prod -l h1', 'status playbooks/prod -l h1 -w'],
  ['status --exit-code --watch prod.yml --no-color', 'status --exit-code prod.yml --no-color --watch'],
  ['status --watch 5s prod.yaml', 'status --watch 5s prod.yaml'],
  ['status --watch 5x prod.yaml', 'status --watch 5x prod.yaml'],
  ['status prod.yaml --watch', 'status prod.yaml --watch'],
  ['status -- --watch prod.yaml', 'status -- --watch prod.yaml'],
  ['watch --every 60s prod.yaml', 'watch --every 60s prod.yaml'],
  ['exec prod.yaml all -- status --watch prod.yaml', 'exec prod.yaml all -- status --watch prod.yaml'],
])('a playbook behind status --watch is no interval: %s', (typed, meant) => {
  expect(withWatchLast(typed.split(' ')).join(' ')).toBe(meant);
});
