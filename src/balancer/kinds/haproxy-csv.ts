import type { ForeignServer, Pool, ServerCounters, ServerState, ServerStatus } from '../view.ts';

/** What a statistics page says of the backends that were asked for, and which servers of others hold sessions. */
export interface HaproxyPage {
  /** By backend, in the order asked for. */
  readonly pools: ReadonlyMap<string, Pool>;
  readonly elsewhere: readonly ForeignServer[];
}

/**
 * Reads backends from HAProxy's statistics in CSV form, by the header row's names.
 * @throws Error when it is not such a page, or a backend is not in it (its message lists those that are).
 */
export function parseHaproxyCsv(text: string, wanted: readonly string[]): HaproxyPage {
  const [header, ...lines] = text.split('\n');
  if (header === undefined || !header.startsWith('# pxname,svname,')) throw new Error(notStatistics(text));
  const last = lines.at(-1) ?? header;
  // Each line has its end; of one that is torn nothing can be relied on, be it only that a number goes on.
  if (last.trim() !== '') throw new Error(brokenOff(last));
  const columns = new Map(
    header
      .slice(2)
      .trimEnd()
      .split(',')
      .map((name, index) => [name, index]),
  );
  // There are a hundred columns, and a line for each of thousands of servers: the last ones are never read.
  const width = 1 + Math.max(...columnsRead.map((name) => columns.get(name) ?? -1));
  const unknown = mustHave.filter((name) => !columns.has(name));
  if (unknown.length > 0) throw new Error(`its statistics have no column ${unknown.join(', ')}`);
  const servers = new Map<string, Row[]>(wanted.map((backend) => [backend, []]));
  const backends = new Map<string, Row>();
  const elsewhere: ForeignServer[] = [];
  const unchecked = new Set<string>();
  for (const line of lines) {
    if (line.trim() === '') continue;
    const fields = splitCsvLine(line, width);
    if (fields.length < width) throw new Error(brokenOff(line));
    const row: Row = (name) => fields[columns.get(name) ?? -1] ?? '';
    const backend = row('pxname');
    if (row('svname') === 'BACKEND') backends.set(backend, row);
    // 2 is the type of server rows; 0, 1 and 3 are front ends, back ends and listeners.
    if (row('type') !== '2') continue;
    if (isUnchecked(row('check_status'))) unchecked.add(`${backend}/${row('svname')}`);
    const own = servers.get(backend);
    if (own !== undefined) own.push(row);
    else if (sessionsIn(row) > 0) elsewhere.push(foreignServer(row));
  }
  const missing = wanted.filter((backend) => !backends.has(backend));
  if (missing.length > 0) {
    const there = [...backends.keys()].sort().join(', ') || 'none';
    throw new Error(
      `no backend ${missing.join(', ')}; there are ${there} (where stats scope is set, no others are shown)`,
    );
  }
  const pools = [...servers].map(
    ([backend, rows]) => [backend, poolOf(rows, backends.get(backend), unchecked)] as const,
  );
  return { pools: new Map(pools), elsewhere };
}

/** Without these nothing is known of a server: every HAProxy since 1.5 has them. */
const mustHave = ['status', 'type', 'scur', 'qcur'] as const;

const columnsRead = [
  'pxname',
  'svname',
  'type',
  'status',
  'weight',
  'act',
  'bck',
  'tracked',
  'check_status',
  'addr',
  'scur',
  'qcur',
  'stot',
  'pid',
  'hrsp_2xx',
  'hrsp_3xx',
  'hrsp_4xx',
  'hrsp_5xx',
  'econ',
  'eresp',
  'wretr',
  'wredis',
  'rtime',
] as const;
type ColumnRead = (typeof columnsRead)[number];

/** A line of the page: a field by its column's name; empty where the page has no such column. */
type Row = (name: ColumnRead) => string;

const count = (row: Row, name: ColumnRead): number => Number(row(name)) || 0;
const sessionsIn = (row: Row): number => count(row, 'scur') + count(row, 'qcur');

/** What is not said is not 0: a node that holds sessions would count as drained. @throws Error where it is no number */
function known(row: Row, name: 'scur' | 'qcur'): number {
  const text = row(name);
  if (/^\d+$/.test(text)) return Number(text);
  const found = text === '' ? 'nothing' : JSON.stringify(text.slice(0, 40));
  throw new Error(`its statistics say ${found} where ${row('pxname')}/${row('svname')} has ${name}, a number`);
}

function poolOf(rows: readonly Row[], backend: Row | undefined, unchecked: ReadonlySet<string>): Pool {
  const servers = new Map(rows.map((row) => [row('svname'), stateOf(row, unchecked)]));
  const first = [...servers.values()].find(
    ({ status, isBackup, weight }) => status === 'up' && isBackup && weight !== 0,
  );
  // `option allbackups`: more weight is in use than that of the one backup server whose turn it is.
  const isShared =
    backend !== undefined && count(backend, 'act') === 0 && count(backend, 'weight') > (first?.weight ?? Infinity);
  return { servers, ...(isShared ? { sharesBackups: true } : {}) };
}

function stateOf(row: Row, unchecked: ReadonlySet<string>): ServerState {
  const raw = row('status');
  const isNew = raw === 'UP' && (unchecked.has(`${row('pxname')}/${row('svname')}`) || unchecked.has(row('tracked')));
  const address = row('addr');
  // One literal, without spreads: a page is read many times a second, and has thousands of these.
  return {
    status: isNew ? 'unknown' : parseStatus(raw),
    raw: isNew ? 'UP, not checked yet' : raw,
    sessions: known(row, 'scur'),
    queued: known(row, 'qcur'),
    counters: countersOf(row),
    weight: row('weight') === '' ? undefined : count(row, 'weight'),
    isBackup: row('bck') === '1' ? true : undefined,
    address: address === '' ? undefined : address,
  };
}

const counted = ['stot', 'hrsp_2xx', 'hrsp_3xx', 'hrsp_4xx', 'hrsp_5xx', 'econ', 'eresp'] as const;

/** Undefined where one of them is no number: a release is not judged by half of what was counted. */
function countersOf(row: Row): ServerCounters | undefined {
  if (counted.some((name) => !/^\d*$/.test(row(name)))) return undefined;
  return {
    requests: count(row, 'stot'),
    http5xx: count(row, 'hrsp_5xx'),
    connectionErrors: count(row, 'econ'),
    responseErrors: count(row, 'eresp'),
    retries: count(row, 'wretr'),
    redispatches: count(row, 'wredis'),
    responseTimeMs: count(row, 'rtime'),
    // A backend of mode tcp does not look into answers, and leaves these empty.
    answered:
      row('hrsp_2xx') === '' ? undefined : count(row, 'hrsp_2xx') + count(row, 'hrsp_3xx') + count(row, 'hrsp_4xx'),
    process: count(row, 'pid'),
  };
}

function foreignServer(row: Row): ForeignServer {
  const address = row('addr');
  return {
    backend: row('pxname'),
    server: row('svname'),
    sessions: sessionsIn(row),
    ...(address === '' ? {} : { address }),
  };
}

/** HAProxy's words, exactly: `UP 1/3` is on its way down and `MAINT (via b/s)` is maintenance. */
export function parseStatus(raw: string): ServerStatus {
  switch (raw) {
    case 'UP':
      return 'up';
    case 'no check':
      return 'no_check';
    case 'DRAIN (agent)':
      return 'agent_drain';
    // No operator: the name has no address just now, and comes back with it.
    case 'MAINT (resolution)':
    case 'MAINT(resolution)':
      return 'down';
  }
  // Older ones write `MAINT(via b/s)`, without the blank.
  const word = /^[^ (]*/.exec(raw)?.[0];
  switch (word) {
    case 'UP':
      return 'going_down';
    case 'DOWN':
      return / \d+\/\d+$/.test(raw) ? 'coming_up' : 'down';
    case 'NOLB':
      return 'nolb';
    case 'DRAIN':
      return 'drain';
    case 'MAINT':
      return 'maint';
    default:
      return 'unknown';
  }
}

/** After a start or a reload HAProxy takes every server for UP until it has checked it once. */
function isUnchecked(checkStatus: string): boolean {
  return /^(?:\* )?INI$/.test(checkStatus);
}

const where = 'the address must be that of "stats uri", by default /haproxy?stats';

/** What the page is instead, as far as its text tells. */
function notStatistics(text: string): string {
  if (text.trim() === '') return `an empty answer instead of HAProxy's statistics; ${where}`;
  if (!/^\s*<(?:!doctype|html|\?xml)/i.test(text))
    return `not HAProxy's statistics in CSV form; it begins ${JSON.stringify(text.slice(0, 40))}; ${where}`;
  const title = /<title[^>]*>\s*([^<]*?)\s*<\/title>/i.exec(text)?.[1] ?? '';
  if (title.startsWith('Statistics Report for HAProxy'))
    return 'HAProxy\'s statistics as a web page: something on the way there drops ";csv" from the address';
  const name = title === '' ? 'a web page' : `a web page called ${JSON.stringify(title.slice(0, 60))}`;
  return `${name} instead of HAProxy's statistics; ${where}, and must not lead to a login`;
}

const brokenOff = (line: string): string => `its statistics are broken off at ${JSON.stringify(line.slice(0, 40))}`;

/** The first `width` fields. Some (`last_chk`) are quoted and may hold commas; a doubled quote is a quote. */
function splitCsvLine(line: string, width: number): readonly string[] {
  const fields: string[] = [];
  for (let at = 0; at <= line.length && fields.length < width;) {
    const isQuoted = line[at] === '"';
    const end = isQuoted ? endOfQuoted(line, at + 1) : line.indexOf(',', at);
    const next = end === -1 ? line.length : end;
    fields.push(isQuoted ? line.slice(at + 1, next).replaceAll('""', '"') : line.slice(at, next));
    at = next + (isQuoted ? 2 : 1);
  }
  return fields;
}

/** The place of the quote that ends a field; -1 where there is none. */
function endOfQuoted(line: string, from: number): number {
  let at = line.indexOf('"', from);
  while (at !== -1 && line[at + 1] === '"') at = line.indexOf('"', at + 2);
  return at;
}
