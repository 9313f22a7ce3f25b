import { expect, test } from 'vitest';
import { groupAlike } from '../../../src/model/alike.ts';

const said = (host: string, text: string) => ({ host, text });

test('what is said of many hosts is said once, with those that it is about', () => {
  expect(
    groupAlike([
      ...['h1', 'h2', 'h3', 'h4', 'h5'].map((host, at) => said(host, `192.0.2.${at}:22 did not answer`)),
      said('h6', 'the host key has changed'),
    ]),
  ).toEqual(['h1, h2, h3 and 2 more: 192.0.2.0:22 did not answer', 'h6: the host key has changed']);
});

test('texts that differ in the name of the host alone are alike, in the words of the first', () => {
  expect(groupAlike([said('a', 'no server a'), said('b', 'no server b')])).toEqual(['a, b: no server a']);
});

test('a host that is said the same twice, as in two plays, is named once', () => {
  expect(groupAlike([said('h1', 'no docker'), said('h1', 'no docker')])).toEqual(['h1: no docker']);
  expect(groupAlike([])).toEqual([]);
});

test('a sentence about the host itself is about each of several', () => {
  expect(groupAlike([said('h1', 'h1 is DOWN'), said('h2', 'h2 is DOWN'), said('h3', 'h3 has no docker')])).toEqual([
    'h1, h2: each is DOWN',
    'h3: h3 has no docker',
  ]);
});
