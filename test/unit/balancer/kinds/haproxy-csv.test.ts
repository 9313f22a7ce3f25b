import { readFileSync } from 'node:fs';
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

  test.each(['3.0', '3.2'])('means the same where HAProxy %s prints it, with its new columns', async (version) => {
    const { pools } = parseHaproxyCsv(await recorded(`haproxy-${version}.csv`), ['web', 'nolb', 'dead', 'allbck']);
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
      // Of the recording of 2.6 somebody had drained chk/up.
      'trk: up, weight 1',
      'trkd: down, weight 1',
      'trkm: maint, weight 1',
      'trkw: up, weight 1',
      't1: down, weight 1',
      't2: down, weight 1',
      // Here it answers 404, with disable-on-404.
      'n: nolb, weight 1',
      'nt: nolb, weight 1',
      'good: up, weight 1',
      'bad: up, weight 1',
      'b1: up, backup 1',
      'b2: up, backup 1',
      'b0: up, backup 0',
    ]);
    const bad = pools.get('dead')?.servers.get('bad')?.counters;
    expect(bad).toMatchObject({ connectionErrors: 0, redispatches: bad?.requests ?? -1 });
  });

  test('of a page with stats scope the others are missing, and the error says why that may be', async () => {
    const page = await recorded('haproxy-3.2-scope.csv');
    expect(parseHaproxyCsv(page, ['web']).pools.get('web')?.servers.size).toBe(18);
    expect(() => parseHaproxyCsv(page, ['web', 'dead'])).toThrow(
      'no backend dead; there are stats4, web (where stats scope is set, no others are shown)',
    );
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
    'MAINT(via b/s)',
    'MAINT(resolution)',
    'DRAIN 1/2',
    'down',
    'UPPER',
    'UP (agent)',
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
    ['MAINT(via b/s)', 'maint'],
    ['MAINT(resolution)', 'down'],
    ['DRAIN 1/2', 'drain'],
    ['down', 'unknown'],
    ['UPPER', 'unknown'],
    ['UP (agent)', 'going_down'],
    ['MAINT (resolution)', 'down'],
    ['no check', 'no_check'],
    ['DOWN (agent)', 'down'],
    ['', 'unknown'],
  ]);
});

/** The columns of each version's page, as `show stat` prints them. Later ones only add to earlier ones. */
const columns15 =
  'pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,rtime,ttime';
const columns18 = `${columns15},agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,check_fall,check_health,agent_rise,agent_fall,agent_health,addr,cookie,mode,algo,conn_rate,conn_rate_max,conn_tot,intercepted,dcon,dses`;
const columns22 = `${columns18},wrew,connect,reuse,cache_lookups,cache_hits,srv_icur,src_ilim,qtime_max,ctime_max,rtime_max,ttime_max,eint,idle_conn_cur,safe_conn_cur,used_conn_cur,need_conn_est`;
const columns24 = `${columns22},uweight,agg_server_check_status,-,ssl_sess,ssl_reused_sess,ssl_failed_handshake,h2_headers_rcvd,h2_data_rcvd,h2_settings_rcvd,h2_rst_stream_rcvd,h2_goaway_rcvd,h2_open_connections,h2_total_connections`;
const columns30 = `${columns22},uweight,agg_server_status,agg_server_check_status,agg_check_status,srid,sess_other,h1sess,h2sess,h3sess,req_other,h1req,h2req,h3req,proto,-,ssl_sess,ssl_reused_sess,ssl_failed_handshake,quic_rxbuf_full,quic_dropped_pkt,h3_data,h2_headers_rcvd,h2_goaway_rcvd,h1_open_connections,h1_bytes_out`;

/** 206 columns in 3.0 with every module that Debian has; 3.2 adds `ssl_ocsp_staple` and `ssl_failed_ocsp_staple` between them. */
function recordedColumns(version: string): string {
  const page = readFileSync(new URL(`../../../cases/balancer/haproxy-${version}.csv`, import.meta.url), 'utf8');
  return page.slice(2, page.indexOf(',\n'));
}

type Fields = Readonly<Record<string, string>>;

function pageOf(
  columns: string,
  rows: readonly Fields[],
  end: { readonly cell?: string; readonly line?: string } = {},
): string {
  const names = columns.split(',');
  const { cell = ',', line = '\n' } = end;
  const lines = rows.map((row) => names.map((name) => row[name] ?? (name === '-' ? '-' : '')).join(',') + cell);
  return [`# ${columns}${cell}`, ...lines, ''].join(line);
}

const up: Fields = {
  pxname: 'web',
  svname: 'h1',
  type: '2',
  status: 'UP',
  scur: '3',
  qcur: '1',
  stot: '1000',
  hrsp_2xx: '990',
  hrsp_3xx: '2',
  hrsp_4xx: '3',
  hrsp_5xx: '5',
  econ: '1',
  eresp: '2',
  wretr: '4',
  wredis: '1',
  weight: '1',
  act: '1',
  bck: '0',
  rtime: '12',
  pid: '1',
  last_chk: '"HTTP status check returned code <200>, ""fine"""',
  proto: 'h2',
  mode: 'http',
  algo: 'roundrobin',
};
const backend: Fields = {
  pxname: 'web',
  svname: 'BACKEND',
  type: '1',
  status: 'UP (1/2)',
  scur: '0',
  qcur: '0',
  weight: '1',
  act: '1',
};
const frontend: Fields = { pxname: 'fe', svname: 'FRONTEND', type: '0', status: 'OPEN', scur: '   0', proto: 'h3' };
const h1: ServerState = {
  status: 'up',
  raw: 'UP',
  sessions: 3,
  queued: 1,
  weight: 1,
  counters: {
    requests: 1000,
    http5xx: 5,
    connectionErrors: 1,
    responseErrors: 2,
    retries: 4,
    redispatches: 1,
    responseTimeMs: 12,
    answered: 995,
    process: 1,
  },
};

describe.each([
  ['1.5', columns15],
  ['1.8', columns18],
  ['2.2', columns22],
  ['2.4', columns24],
  ['3.0', columns30],
  ['3.0, as recorded', recordedColumns('3.0')],
  ['3.2, as recorded', recordedColumns('3.2')],
  [
    'one to come, whose columns stand elsewhere',
    `pxname,svname,${columns30.split(',').slice(2).toReversed().join(',')}`,
  ],
])('the page of HAProxy %s', (_, columns) => {
  const serversOf = (
    rows: readonly Fields[],
    end?: Parameters<typeof pageOf>[2],
  ): readonly (readonly [string, ServerState])[] => [
    ...(parseHaproxyCsv(pageOf(columns, [frontend, ...rows, backend], end), ['web']).pools.get('web')?.servers ?? []),
  ];

  test('is read alike, with a comma at the ends of its lines or without, and with the line ends of Windows', () => {
    expect(serversOf([up])).toEqual([['h1', h1]]);
    expect(serversOf([up], { cell: '' })).toEqual([['h1', h1]]);
    expect(serversOf([up], { line: '\r\n' })).toEqual([['h1', h1]]);
  });

  test('says of servers without a check, without an answer and without a weight what it says', () => {
    const rows = [
      { ...up, svname: 'unchecked', status: 'no check', check_status: '' },
      { ...up, svname: 'new', check_status: 'INI' },
      { ...up, svname: 'again', check_status: '* L7OK' },
      { ...up, svname: 'off', weight: '0' },
      { ...up, svname: 'sorry', bck: '1', act: '0' },
      { ...up, svname: 'nowhere', status: 'MAINT (resolution)' },
      { ...up, svname: 'agent', status: 'DRAIN (agent)' },
      { ...up, svname: 'tcp', mode: 'tcp', hrsp_2xx: '', hrsp_3xx: '', hrsp_4xx: '', hrsp_5xx: '' },
    ];
    expect(
      serversOf(rows).map(([name, { status, weight, isBackup, counters }]) => [
        name,
        status,
        weight,
        isBackup,
        counters?.answered,
      ]),
    ).toEqual([
      ['unchecked', 'no_check', 1, undefined, 995],
      ['new', 'unknown', 1, undefined, 995],
      ['again', 'up', 1, undefined, 995],
      ['off', 'up', 0, undefined, 995],
      ['sorry', 'up', 1, true, 995],
      ['nowhere', 'down', 1, undefined, 995],
      ['agent', 'agent_drain', 1, undefined, 995],
      ['tcp', 'up', 1, undefined, undefined],
    ]);
  });

  test.each(['', '-', ' ', '1.5', '-1'])('with %j for its sessions is refused, and never taken for drained', (scur) => {
    expect(() => serversOf([{ ...up, scur }])).toThrow(/where web\/h1 has scur, a number/);
  });
});
