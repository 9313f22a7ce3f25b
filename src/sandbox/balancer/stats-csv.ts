import type { BackendServer } from './backend-server.ts';
import type { Counters } from './counters.ts';
import type { CheckPolicy } from './server-health.ts';

// HAProxy 2.6's own first line; readers look columns up in it.
const columns =
  'pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,bck,' +
  'chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,' +
  'check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,' +
  'req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,' +
  'rtime,ttime,agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,check_fall,check_health,' +
  'agent_rise,agent_fall,agent_health,addr,cookie,mode,algo,conn_rate,conn_rate_max,conn_tot,intercepted,dcon,dses,' +
  'wrew,connect,reuse,cache_lookups,cache_hits,srv_icur,src_ilim,qtime_max,ctime_max,rtime_max,ttime_max,eint,' +
  'idle_conn_cur,safe_conn_cur,used_conn_cur,need_conn_est,uweight,agg_server_status,agg_server_check_status,' +
  'agg_check_status,-,ssl_sess,ssl_reused_sess,ssl_failed_handshake,h2_headers_rcvd,h2_data_rcvd,h2_settings_rcvd,' +
  'h2_rst_stream_rcvd,h2_goaway_rcvd,h2_detected_conn_protocol_errors,h2_detected_strm_protocol_errors,' +
  'h2_rst_stream_resp,h2_goaway_resp,h2_open_connections,h2_backend_open_streams,h2_total_connections,' +
  'h2_backend_total_streams,h1_open_connections,h1_open_streams,h1_total_connections,h1_total_streams,h1_bytes_in,' +
  'h1_bytes_out,h1_spliced_bytes_in,h1_spliced_bytes_out';

type Row = Readonly<Record<string, string | number>>;

const positions: ReadonlyMap<string, number> = new Map(columns.split(',').map((name, at) => [name, at]));
const emptyCells: readonly (string | number)[] = columns.split(',').map(() => '');

/** The whole page: the front end, every server, the backend. */
export function formatStats(
  names: { readonly frontend: string; readonly backend: string },
  counters: { readonly frontend: Counters; readonly backend: Counters },
  servers: readonly BackendServer[],
  policy: CheckPolicy,
  nowMs: number,
): string {
  const rows = [
    frontendRow(names.frontend, counters.frontend),
    ...servers.map((server, index) => serverRow(names.backend, server, index + 1, policy, nowMs)),
    backendRow(names.backend, counters.backend, servers),
  ];
  return `# ${columns},\n${rows.map(formatRow).join('')}`;
}

/** Only the columns that a row has are touched: with thousands of servers this is what a page costs. */
function formatRow(row: Row): string {
  const cells = emptyCells.slice();
  for (const name in row) {
    const at = positions.get(name);
    if (at !== undefined) cells[at] = row[name] ?? '';
  }
  return `${cells.join(',')},\n`;
}

function frontendRow(frontend: string, counters: Counters): Row {
  return {
    pxname: frontend,
    svname: 'FRONTEND',
    slim: 9989,
    dreq: 0,
    dresp: 0,
    ereq: 0,
    status: 'OPEN',
    pid: 1,
    iid: 2,
    sid: 0,
    type: 0,
    mode: 'http',
    ...sessionColumns(counters),
    ...responseColumns(counters),
    '-': '-',
  };
}

function serverRow(backend: string, server: BackendServer, sid: number, policy: CheckPolicy, nowMs: number): Row {
  const { health, counters, target } = server;
  const check = health.lastCheck;
  return {
    pxname: backend,
    svname: target.name,
    qcur: 0,
    qmax: 0,
    dresp: 0,
    ...sessionColumns(counters),
    ...errorColumns(counters),
    status: health.status,
    weight: server.weight,
    act: server.isBackup ? 0 : 1,
    bck: server.isBackup ? 1 : 0,
    chkfail: health.failedChecks,
    chkdown: health.timesDown,
    lastchg: Math.floor((nowMs - health.changedAtMs) / 1000),
    downtime: 0,
    pid: 1,
    iid: 3,
    sid,
    lbtot: counters.sessionsTotal,
    type: 2,
    check_status: check?.code ?? '',
    check_code: check?.httpStatus ?? '',
    check_duration: check?.durationMs ?? '',
    ...responseColumns(counters),
    ...timeColumns(counters, nowMs),
    last_chk: check === undefined ? '' : checkDescriptions[check.code]?.[0],
    check_desc: check === undefined ? '' : checkDescriptions[check.code]?.[1],
    check_rise: policy.rise,
    check_fall: policy.fall,
    check_health: health.health,
    mode: 'http',
    uweight: server.weight,
    '-': '-',
  } as Row;
}

/** What HAProxy heard, and what it calls that. */
const checkDescriptions: Readonly<Record<string, readonly [string, string]>> = {
  L7OK: ['', 'Layer7 check passed'],
  L7STS: ['', 'Layer7 wrong status'],
  L4CON: ['Connection refused', 'Layer4 connection problem'],
  L4TOUT: ['', 'Layer4 timeout'],
};

function backendRow(backend: string, counters: Counters, servers: readonly BackendServer[]): Row {
  const usable = servers.filter(({ health, weight }) => health.isUsable && weight > 0);
  const active = usable.filter(({ isBackup }) => !isBackup);
  const inUse = active.length > 0 ? active : usable.slice(0, 1);
  return {
    pxname: backend,
    svname: 'BACKEND',
    qcur: 0,
    qmax: 0,
    slim: 999,
    dreq: 0,
    dresp: 0,
    ...sessionColumns(counters),
    ...errorColumns(counters),
    status: inUse.length > 0 ? 'UP' : 'DOWN',
    weight: inUse.reduce((sum, { weight }) => sum + weight, 0),
    act: active.length,
    bck: usable.length - active.length,
    pid: 1,
    iid: 3,
    sid: 0,
    lbtot: counters.sessionsTotal,
    type: 1,
    ...responseColumns(counters),
    rtime: counters.responseTimeMs,
    ttime: counters.totalTimeMs,
    mode: 'http',
    algo: 'roundrobin',
    '-': '-',
  };
}

const sessionColumns = (counters: Counters): Row => ({
  scur: counters.sessions,
  smax: counters.sessionsMax,
  stot: counters.sessionsTotal,
  bin: counters.bytesIn,
  bout: counters.bytesOut,
});

const errorColumns = (counters: Counters): Row => ({
  econ: counters.connectionErrors,
  eresp: counters.responseErrors,
  wretr: counters.retries,
  wredis: counters.redispatches,
});

function responseColumns({ responses, requests, clientAborts }: Counters): Row {
  const [other = 0, ...byClass] = responses;
  return {
    hrsp_1xx: byClass[0] ?? 0,
    hrsp_2xx: byClass[1] ?? 0,
    hrsp_3xx: byClass[2] ?? 0,
    hrsp_4xx: byClass[3] ?? 0,
    hrsp_5xx: byClass[4] ?? 0,
    hrsp_other: other,
    req_tot: requests,
    cli_abrt: clientAborts,
    srv_abrt: 0,
  };
}

const timeColumns = (counters: Counters, nowMs: number): Row => ({
  lastsess: counters.lastSessionAtMs === undefined ? -1 : Math.floor((nowMs - counters.lastSessionAtMs) / 1000),
  qtime: 0,
  ctime: 0,
  rtime: counters.responseTimeMs,
  ttime: counters.totalTimeMs,
});
