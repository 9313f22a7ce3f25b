import type { ServerState, ServerStatus } from '../view.ts';

/**
 * Reads the servers of one backend from HAProxy's statistics in CSV form, by the header row's names.
 * @throws Error when it is not such a page, or the backend is not in it (its message lists those that are).
 */
export function parseHaproxyCsv(text: string, backend: string): ReadonlyMap<string, ServerState> {
  const [header, ...lines] = text.split('\n');
  if (header === undefined || !header.startsWith('# pxname,svname,')) {
    throw new Error(`not HAProxy's statistics in CSV form; it begins ${JSON.stringify(text.slice(0, 40))}`);
  }
  const columns = new Map(
    header
      .slice(2)
      .trimEnd()
      .split(',')
      .map((name, index) => [name, index]),
  );
  // There are a hundred columns, and a line for each of thousands of servers: the last ones are never read.
  const width = 1 + Math.max(...columnsRead.map((name) => columns.get(name) ?? -1));
  const servers = new Map<string, ServerState>();
  const backends = new Set<string>();
  for (const line of lines) {
    if (line.trim() === '') continue;
    const fields = splitCsvLine(line, width);
    const field = (name: ColumnRead): string => fields[columns.get(name) ?? -1] ?? '';
    const count = (name: ColumnRead): number => Number(field(name)) || 0;
    if (field('svname') === 'BACKEND') backends.add(field('pxname'));
    // 2 is the type of server rows; 0, 1 and 3 are front ends, back ends and listeners.
    if (field('pxname') !== backend || field('type') !== '2') continue;
    servers.set(field('svname'), {
      ...(field('status') === 'UP' && isUnchecked(field('check_status'))
        ? { status: 'unknown', raw: 'UP, not checked yet' }
        : { status: parseStatus(field('status')), raw: field('status') }),
      sessions: count('scur'),
      queued: count('qcur'),
      counters: {
        requests: count('stot'),
        http5xx: count('hrsp_5xx'),
        connectionErrors: count('econ'),
        responseErrors: count('eresp'),
        responseTimeMs: count('rtime'),
      },
    });
  }
  if (!backends.has(backend)) {
    throw new Error(`no backend ${backend}; there are ${[...backends].sort().join(', ') || 'none'}`);
  }
  return servers;
}

const columnsRead = [
  'pxname',
  'svname',
  'type',
  'status',
  'check_status',
  'scur',
  'qcur',
  'stot',
  'hrsp_5xx',
  'econ',
  'eresp',
  'rtime',
] as const;
type ColumnRead = (typeof columnsRead)[number];

/** HAProxy's words, exactly: `UP 1/3` is on its way down and `MAINT (via b/s)` is maintenance. */
export function parseStatus(raw: string): ServerStatus {
  if (raw === 'UP') return 'up';
  if (raw === 'no check') return 'no_check';
  const word = raw.split(' ', 1)[0];
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
