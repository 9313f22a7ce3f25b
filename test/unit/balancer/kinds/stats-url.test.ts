import { expect, test } from 'vitest';
import { parseStatsUrl } from '../../../../src/balancer/kinds/stats-url.ts';

// Which of these HAProxy itself answers with CSV was tried with 2.6.
test.each([
  ['http://10.0.0.2:8404/stats', 'http://10.0.0.2:8404/stats;csv', '10.0.0.2:8404/stats'],
  ['http://lb/stats;csv', 'http://lb/stats;csv', 'lb/stats'],
  ['http://lb/stats/', 'http://lb/stats/;csv', 'lb/stats/'],
  ['http://lb:8404', 'http://lb:8404/;csv', 'lb:8404'],
  ['http://lb:8404/', 'http://lb:8404/;csv', 'lb:8404'],
  ['http://lb:8404/;csv;norefresh', 'http://lb:8404/;csv', 'lb:8404'],
  // HAProxy's own default: its options go behind the query.
  ['http://lb/haproxy?stats', 'http://lb/haproxy?stats;csv', 'lb/haproxy?stats'],
  ['http://lb/haproxy?stats;csv', 'http://lb/haproxy?stats;csv', 'lb/haproxy?stats'],
  ['http://lb/haproxy?stats;norefresh', 'http://lb/haproxy?stats;csv', 'lb/haproxy?stats'],
  ['http://lb/haproxy?stats;csv;norefresh', 'http://lb/haproxy?stats;csv', 'lb/haproxy?stats'],
  ['http://lb/haproxy;csv?stats', 'http://lb/haproxy?stats;csv', 'lb/haproxy?stats'],
  // `;up` would leave out what is being drained.
  ['http://lb/haproxy?stats;up', 'http://lb/haproxy?stats;csv', 'lb/haproxy?stats'],
  ['http://lb/stats;up;csv', 'http://lb/stats;csv', 'lb/stats'],
  ['http://lb/stats;json', 'http://lb/stats;csv', 'lb/stats'],
  ['http://lb/stats;no-maint;csv#top', 'http://lb/stats;csv', 'lb/stats'],
  ['http://lb/stats;upper', 'http://lb/stats;upper;csv', 'lb/stats;upper'],
  ['http://lb/stats?', 'http://lb/stats;csv', 'lb/stats'],
  ['HTTPS://LB.example:443/Stats', 'https://lb.example/Stats;csv', 'lb.example/Stats'],
  ['http://[fd00::2]:8404/stats', 'http://[fd00::2]:8404/stats;csv', '[fd00::2]:8404/stats'],
  // A value may be a token, and is not shown.
  ['http://lb/stats?token=geheim', 'http://lb/stats?token=geheim;csv', 'lb/stats'],
])('%s is asked as %s and called %s', (written, csv, name) => {
  expect(parseStatsUrl(written)).toEqual({ csv, name });
});

test('credentials leave the address, decoded as they were meant', () => {
  const page = { csv: 'http://lb:8404/stats;csv', name: 'lb:8404/stats' };
  expect(parseStatsUrl('http://ops:p%40ss%2F1@lb:8404/stats')).toEqual({
    ...page,
    username: 'ops',
    password: 'p@ss/1',
  });
  expect(parseStatsUrl('http://ops@lb:8404/stats')).toEqual({ ...page, username: 'ops' });
  expect(parseStatsUrl('http://:100%25@lb:8404/stats')).toEqual({ ...page, password: '100%' });
  expect(parseStatsUrl('http://ops:100%@lb:8404/stats')).toEqual({ ...page, username: 'ops', password: '100%' });
});
