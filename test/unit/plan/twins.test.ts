import { expect, test } from 'vitest';
import { twinWarnings } from '../../../src/plan/twins.ts';

const words = (names: string): string =>
  `${names} look like one machine: the same docker, hostname and containers. A run refuses that. Take the names that are too many out of the inventory or of the play, or check ansible_host and ansible_port`;

test.each([
  [[], []],
  [['web1 A', 'web2 B', 'web3 C'], []],
  [['web1 A', 'web2 B', 'alias A'], [words('web1 and alias')]],
  [['web1 A', 'web2 A', 'web3 A'], [words('web1, web2 and web3')]],
  [
    ['web1 A', 'b1 B', 'b2 B', 'web2 A'],
    [words('web1 and web2'), words('b1 and b2')],
  ],
  // One host of two plays is one name.
  [['web1 A', 'web1 A'], []],
])('names behind which stands one docker are told: %j', (hosts, warnings) => {
  const told = hosts.map((each) => each.split(' ')).map(([host = '', dockerMark = '']) => ({ host, dockerMark }));
  expect(twinWarnings(told)).toEqual(warnings);
});
