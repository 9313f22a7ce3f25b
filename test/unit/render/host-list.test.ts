import { expect, test } from 'vitest';
import { formatHosts } from '../../../src/render/host-list.ts';

test.each([
  [['h1'], 'h1'],
  [['h1', 'h2'], 'h1, h2'],
  [['h1', 'h2', 'h3'], 'h1…h3'],
  [['h9', 'h10', 'h11'], 'h9…h11'],
  [['web09', 'web10', 'web11'], 'web09…web11'],
  [['web98', 'web99', 'web100'], 'web98…web100'],
  [['web098', 'web099', 'web100'], 'web098…web100'],
  [['web1.eu', 'web2.eu', 'web3.eu', 'web4.us'], 'web1.eu…web3.eu, web4.us'],
  [['10.0.0.1', '10.0.0.2', '10.0.0.3'], '10.0.0.1, 10.0.0.2, 10.0.0.3'],
  [['b', 'a', 'c'], 'b, a, c'],
  [['h1', 'h3', 'h4', 'h5', 'h7'], 'h1, h3…h5, h7'],
])('%j reads %s', (hosts, text) => {
  expect(formatHosts(hosts)).toBe(text);
});

test('what is beyond the limit is counted, and nobody is lost', () => {
  const hosts = ['alpha', 'beta', 'h1', 'h2', 'h3', 'gamma', 'delta'];
  expect(formatHosts(hosts, 3)).toBe('alpha, beta, h1…h3 and 2 more');
});
