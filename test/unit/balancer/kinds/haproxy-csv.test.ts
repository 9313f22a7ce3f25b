import { describe, expect, test } from 'vitest';
import { parseHaproxyCsv, parseStatus } from '../../../../src/balancer/kinds/haproxy-csv.ts';

const header = '# pxname,svname,qcur,scur,status,stot,econ,eresp,hrsp_5xx,rtime,type,last_chk,';

describe('the statistics page in CSV form', () => {
  test('is read by the names of its header row, quoted fields with commas among them', () => {
    const text = [
      header,
      'web,FRONTEND,,3,OPEN,10,,,0,,0,,',
      'web,h1,0,2,UP,100,1,2,3,12,2,"L7OK, ""fine""",',
      'web,h2,4,0,DOWN 1/2,50,0,0,0,9,2,,',
      'other,h1,0,9,UP,1,0,0,0,1,2,,',
      'web,BACKEND,0,2,UP,150,1,2,3,,1,,',
      '',
    ].join('\n');
    expect(parseHaproxyCsv(text, 'web')).toEqual(
      new Map([
        [
          'h1',
          {
            status: 'up',
            raw: 'UP',
            sessions: 2,
            queued: 0,
            counters: { requests: 100, http5xx: 3, connectionErrors: 1, responseErrors: 2, responseTimeMs: 12 },
          },
        ],
        [
          'h2',
          {
            status: 'coming_up',
            raw: 'DOWN 1/2',
            sessions: 0,
            queued: 4,
            counters: { requests: 50, http5xx: 0, connectionErrors: 0, responseErrors: 0, responseTimeMs: 9 },
          },
        ],
      ]),
    );
  });

  test('shows no server UP that the balancer has not checked since its start or reload', () => {
    const text = [
      '# pxname,svname,status,type,check_status,',
      'web,h1,UP,2,INI,',
      'web,h2,UP,2,* INI,',
      'web,h3,UP,2,L7OK,',
      'web,h4,UP 1/2,2,INI,',
      'web,h5,MAINT,2,INI,',
      'web,BACKEND,UP,1,,',
    ].join('\n');
    const statuses = [...parseHaproxyCsv(text, 'web').values()].map(({ status, raw }) => `${status}: ${raw}`);
    expect(statuses).toEqual([
      'unknown: UP, not checked yet',
      'unknown: UP, not checked yet',
      'up: UP',
      'going_down: UP 1/2',
      'maint: MAINT',
    ]);
  });

  test('without the backend names those that are there', () => {
    const text = `${header}\nweb,BACKEND,0,0,UP,0,0,0,0,,1,,\napi,BACKEND,0,0,UP,0,0,0,0,,1,,\n`;
    expect(() => parseHaproxyCsv(text, 'wbe')).toThrow('no backend wbe; there are api, web');
  });

  test('that is something else is refused with its beginning', () => {
    expect(() => parseHaproxyCsv('<html><body>503', 'web')).toThrow(
      'not HAProxy\'s statistics in CSV form; it begins "<html><body>503"',
    );
  });
});

test('only the exact word UP is up', () => {
  const words = [
    'UP',
    'UP 1/2',
    'DOWN',
    'DOWN 1/2',
    'NOLB',
    'NOLB 1/2',
    'DRAIN',
    'DRAIN (agent)',
    'MAINT',
    'MAINT (via b/s)',
    'MAINT (resolution)',
    'no check',
    'DOWN (agent)',
    '',
  ];
  expect(words.map((word) => [word, parseStatus(word)])).toEqual([
    ['UP', 'up'],
    ['UP 1/2', 'going_down'],
    ['DOWN', 'down'],
    ['DOWN 1/2', 'coming_up'],
    ['NOLB', 'nolb'],
    ['NOLB 1/2', 'nolb'],
    ['DRAIN', 'drain'],
    ['DRAIN (agent)', 'drain'],
    ['MAINT', 'maint'],
    ['MAINT (via b/s)', 'maint'],
    ['MAINT (resolution)', 'maint'],
    ['no check', 'no_check'],
    ['DOWN (agent)', 'down'],
    ['', 'unknown'],
  ]);
});
