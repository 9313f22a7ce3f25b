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
  expect(groupAlike([said('a', 'no server a'), said('b', 'no server b')])).toEqual(['a, b: no server <host>']);
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

test.each([
  [['h1 is DOWN: layer 4 (h1:8081)', 'h2 is DOWN: layer 4 (h2:8081)'], ['h1, h2: each is DOWN: layer 4 (<host>:8081)']],
  [
    ['the balancer does not check h1: nothing takes h1 out', 'the balancer does not check h2: nothing takes h2 out'],
    ['h1, h2: the balancer does not check <host>: nothing takes <host> out'],
  ],
  // A name that only begins another one is no name.
  [
    ['no server h1; it has h10, db-h1', 'no server h2; it has h10, db-h1'],
    ['h1, h2: no server <host>; it has h10, db-h1'],
  ],
  [
    ['told of h10', 'told of h20'],
    ['h1: told of h10', 'h2: told of h20'],
  ],
])('a name within a text is not that of the first host: %j', (texts, grouped) => {
  expect(groupAlike(texts.map((text, at) => said(`h${at + 1}`, text)))).toEqual(grouped);
});

test.each(['web1.example.com', 'db(1)', 'a+b'])('a name is a name, whatever characters it has: %s', (host) => {
  expect(groupAlike([said(host, `no ${host} here`), said('h2', 'no h2 here')])).toEqual([
    `${host}, h2: no <host> here`,
  ]);
});
