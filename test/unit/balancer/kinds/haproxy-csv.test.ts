import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parseHaproxyCsv, parseStatus } from '../../../../src/balancer/kinds/haproxy-csv.ts';
import type { Pool, ServerState } from '../../../../src/balancer/view.ts';

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
    const counters = { http5xx: 0, connectionErrors: 0, responseErrors: 0, retries: 0, redispatches: 0 };
    expect(parseHaproxyCsv(text, ['web'])).toEqual({
      pools: new Map([
        [
          'web',
          {
            servers: new Map([
              [
                'h1',
                {
                  status: 'up',
                  raw: 'UP',
                  sessions: 2,
                  queued: 0,
                  counters: {
                    ...counters,
                    requests: 100,
                    http5xx: 3,
                    connectionErrors: 1,
                    responseErrors: 2,
                    responseTimeMs: 12,
                    answered: undefined,
                    process: 0,
                  },
                },
              ],
              [
                'h2',
                {
                  status: 'coming_up',
                  raw: 'DOWN 1/2',
                  sessions: 0,
                  queued: 4,
                  counters: { ...counters, requests: 50, responseTimeMs: 9, answered: undefined, process: 0 },
                },
              ],
            ]),
          },
        ],
      ]),
      elsewhere: [{ backend: 'other', server: 'h1', sessions: 9 }],
    });
  });

  test('of several backends is read in the order asked for, and none of them counts as elsewhere', () => {
    const text = [
      '# pxname,svname,scur,qcur,status,type,addr,',
      'web,h1,1,0,UP,2,10.0.0.1:80,',
      'web,BACKEND,1,0,UP,1,,',
      'api,h1,2,1,UP,2,10.0.0.1:81,',
      'api,BACKEND,2,0,UP,1,,',
      'db,h1,0,3,UP,2,[fd00::1]:82,',
      'db,h2,0,0,UP,2,,',
      'db,BACKEND,0,3,UP,1,,',
      '',
    ].join('\n');
    const { pools, elsewhere } = parseHaproxyCsv(text, ['api', 'web']);
    expect([...pools].map(([name, { servers }]) => [name, servers.get('h1')?.address])).toEqual([
      ['api', '10.0.0.1:81'],
      ['web', '10.0.0.1:80'],
    ]);
    expect(elsewhere).toEqual([{ backend: 'db', server: 'h1', address: '[fd00::1]:82', sessions: 3 }]);
    expect(() => parseHaproxyCsv(text, ['web', 'wbe', 'ap'])).toThrow('no backend wbe, ap; there are api, db, web');
  });

  test('shows no server UP that the balancer has not checked since its start or reload', () => {
    const text = [
      '# pxname,svname,qcur,scur,status,type,check_status,tracked,',
      'web,h1,0,0,UP,2,INI,',
      'web,h2,0,0,UP,2,* INI,',
      'web,h3,0,0,UP,2,L7OK,',
      'web,h4,0,0,UP 1/2,2,INI,',
      'web,h5,0,0,MAINT,2,INI,',
      'web,h6,0,0,UP,2,,chk/new',
      'web,h7,0,0,UP,2,,chk/old',
      'web,BACKEND,0,0,UP,1,,',
      'chk,new,0,0,UP,2,INI,',
      'chk,old,0,0,UP,2,L7OK,',
      'chk,BACKEND,0,0,UP,1,,',
      '',
    ].join('\n');
    const { servers } = parseHaproxyCsv(text, ['web']).pools.get('web') ?? { servers: new Map<string, ServerState>() };
    const statuses = [...servers.values()].map(({ status, raw }) => `${status}: ${raw}`);
    expect(statuses).toEqual([
      'unknown: UP, not checked yet',
      'unknown: UP, not checked yet',
      'up: UP',
      'going_down: UP 1/2',
      'maint: MAINT',
      // Tracking: what it tracks has not been checked.
      'unknown: UP, not checked yet',
      'up: UP',
    ]);
  });

  const row = (qcur: string, scur: string): string => `web,h1,${qcur},${scur},DOWN,7,0,0,0,1,2,,`;
  const page = (line: string): string => `${header}\n${line}\nweb,BACKEND,0,0,UP,7,0,0,0,,1,,\n`;
  test.each([
    ['a line broken off in the middle', page('web,h1,0,'), 'its statistics are broken off at "web,h1,0,"'],
    ['a last line without its end', page(row('0', '0')).slice(0, -6), 'its statistics are broken off at "web,BACKEND'],
    ['a number broken off', `${header}\nweb,h1,0,1`, 'its statistics are broken off at "web,h1,0,1"'],
    ['a header broken off', '# pxname,svname,qcur,scu', 'its statistics are broken off at "# pxname,svname,qcur,scu"'],
    ['no column of sessions', '# pxname,svname,qcur,status,type,\n', 'its statistics have no column scur'],
    ['no sessions', page(row('0', '')), 'its statistics say nothing where web/h1 has scur, a number'],
    ['sessions in words', page(row('0', 'many')), 'its statistics say "many" where web/h1 has scur, a number'],
    ['a queue below 0', page(row('-1', '0')), 'its statistics say "-1" where web/h1 has qcur, a number'],
  ])('with %s is an error, and not a server without sessions', (_, text, message) => {
    expect(() => parseHaproxyCsv(text, ['web'])).toThrow(message);
  });

  test('with counters that are no numbers has none, and judges no release by the others', () => {
    const text = page('web,h1,0,0,UP,7,0,0,?,1,2,,');
    expect(parseHaproxyCsv(text, ['web']).pools.get('web')?.servers.get('h1')).toEqual({
      status: 'up',
      raw: 'UP',
      sessions: 0,
      queued: 0,
      counters: undefined,
    });
  });

  test('without the backend names those that are there', () => {
    const text = `${header}\nweb,BACKEND,0,0,UP,0,0,0,0,,1,,\napi,BACKEND,0,0,UP,0,0,0,0,,1,,\n`;
    expect(() => parseHaproxyCsv(text, ['wbe'])).toThrow('no backend wbe; there are api, web');
  });

  test.each([
    [
      '<!DOCTYPE HTML>\n<html><head><title>Statistics Report for HAProxy</title>',
      'HAProxy\'s statistics as a web page: something on the way there drops ";csv" from the address',
    ],
    [
      ' <html><head><title lang="en">\n Sign in </title>',
      'a web page called "Sign in" instead of HAProxy\'s statistics; the address must be that of "stats uri", by default /haproxy?stats, and must not lead to a login',
    ],
    [
      '<html><body>503',
      'a web page instead of HAProxy\'s statistics; the address must be that of "stats uri", by default /haproxy?stats, and must not lead to a login',
    ],
    [
      '{"version":"1.0"}',
      'not HAProxy\'s statistics in CSV form; it begins "{\\"version\\":\\"1.0\\"}"; the address must be that of "stats uri", by default /haproxy?stats',
    ],
    [
      '\n',
      'an empty answer instead of HAProxy\'s statistics; the address must be that of "stats uri", by default /haproxy?stats',
    ],
  ])('that is something else says what it is: %j', (text, message) => {
    expect(() => parseHaproxyCsv(text, ['web'])).toThrow(new Error(message));
  });
});

describe("a real page of HAProxy's, whose configuration lies beside it,", () => {
  const recorded = (name: string) => readFile(new URL(`../../../cases/balancer/${name}`, import.meta.url), 'utf8');
  const states = ({ servers }: Pool) =>
    [...servers].map(([name, { status, weight, isBackup }]) => {
      const share = isBackup === true ? `backup ${weight ?? '?'}` : `weight ${weight ?? '?'}`;
      return `${name}: ${status}, ${share}`;
    });

  test('tells who gets requests: weight, backup, agents, tracking, names without an address', async () => {
    const { pools } = parseHaproxyCsv(await recorded('haproxy-2.6.csv'), ['web', 'nolb']);
    expect([...pools.values()].flatMap(states)).toEqual([
      'up: up, weight 1',
      'w0file: up, weight 0',
      'w0run: up, weight 0',
      'bck: up, backup 1',
      'dis: maint, weight 1',
      'nochk: no_check, weight 1',
      'nochk0: no_check, weight 0',
      'slow: up, weight 1',
      'ag_drain: agent_drain, weight 1',
      'ag_0: up, weight 0',
      'ag_down: down, weight 1',
      'ag_maint: maint, weight 1',
      'trk: drain, weight 1',
      'trkd: down, weight 1',
      'trkm: maint, weight 1',
      'trkw: up, weight 1',
      't1: down, weight 1',
      't2: down, weight 1',
      'n: down, weight 1',
      'nt: down, weight 1',
    ]);
  });

  test('has the requests that a dead port made go elsewhere: none of them is a connection error', async () => {
    const { pools } = parseHaproxyCsv(await recorded('haproxy-2.6.csv'), ['dead']);
    const {
      requests,
      connectionErrors,
      retries = 0,
      redispatches,
    } = pools.get('dead')?.servers.get('bad')?.counters ?? {
      requests: 0,
      connectionErrors: 0,
    };
    expect({ isTried: requests > 0, connectionErrors, isAllGivenAway: redispatches === requests, retries }).toEqual({
      isTried: true,
      connectionErrors: 0,
      isAllGivenAway: true,
      retries: 0,
    });
  });

  test('without allbackups has one backup server in use, and with legends the addresses', async () => {
    const { pools } = parseHaproxyCsv(await recorded('haproxy-2.6.csv'), ['allbck']);
    expect(pools.get('allbck')?.sharesBackups).toBeUndefined();
    const shared = (await recorded('haproxy-2.6.csv')).replace(/^(allbck,BACKEND,(?:[^,]*,){16})1,/m, '$12,');
    expect(parseHaproxyCsv(shared, ['allbck']).pools.get('allbck')?.sharesBackups).toBe(true);
    const legends = parseHaproxyCsv(await recorded('haproxy-2.6-legends.csv'), ['web']);
    expect(legends.pools.get('web')?.servers.get('up')?.address).toBe('127.0.0.1:9101');
  });

  test('as a web page is known for what it is', async () => {
    const page = await recorded('haproxy-2.6.html');
    expect(() => parseHaproxyCsv(page, ['web'])).toThrow(/^HAProxy's statistics as a web page/);
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
    ['DRAIN (agent)', 'agent_drain'],
    ['MAINT', 'maint'],
    ['MAINT (via b/s)', 'maint'],
    ['MAINT (resolution)', 'down'],
    ['no check', 'no_check'],
    ['DOWN (agent)', 'down'],
    ['', 'unknown'],
  ]);
});
