// How long `rollout inventory --list` and `ansible-inventory --list` take on the same 5,000 hosts, side by side.
import { compareInventories } from './inventory-comparison.ts';

const rounds = 5;
const { hosts, groups, rolloutMs, ansibleMs, same } = compareInventories(
  new URL('../dist/rollout.js', import.meta.url).pathname,
  rounds,
);
const show = (times: readonly number[]): string => times.map((time) => `${(time / 1000).toFixed(2)} s`).join(', ');
const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;

console.log(`${hosts} hosts in ${groups} groups with group_vars; ${rounds} rounds, in turns`);
console.log(`rollout inventory --list   ${show(rolloutMs)}`);
console.log(`ansible-inventory --list   ${show(ansibleMs)}`);
console.log(
  `medians: ${(median(ansibleMs) / median(rolloutMs)).toFixed(1)} times as fast; the outputs are ${same ? 'equal byte for byte' : 'DIFFERENT'}`,
);
