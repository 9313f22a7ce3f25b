import * as z from 'zod';
import type { Secret } from '../../model/secret.ts';
import { credential, text } from '../../schema/values.ts';
import { server, urls, via } from '../keys.ts';
import { balancerKind } from '../kind.ts';
import { readEach } from '../read.ts';
import { parseHaproxyCsv } from './haproxy-csv.ts';

const schema = z.strictObject({
  type: z.literal('haproxy'),
  stats: urls.describe('One stats page or several; a node is out only when all of them say so.'),
  backend: text.describe("The backend's name in HAProxy."),
  server,
  username: text.optional().describe('For pages that ask for a password.'),
  password: credential.optional().describe('{ secret: NAME }, or text.'),
  via,
});

interface Settings {
  /** Stats pages, one per balancer; credentials may stand in the URL. */
  readonly stats: readonly string[];
  readonly backend: string;
  readonly username: string | undefined;
  readonly password: Secret | undefined;
}

/** Reads HAProxy through its statistics pages: `<stats uri>;csv`, one per balancer. */
export const haproxyBalancer = balancerKind({
  type: 'haproxy',
  schema,
  settle: ({ stats, backend, username, password }, scope): Settings => ({
    stats,
    backend,
    username,
    password: scope.credential('password', password),
  }),
  open: ({ stats, backend, username, password }, { get, now, close }) => ({
    read: (signal) =>
      readEach(stats, now, async (url) => {
        const text = await get(csvUrl(url), {
          ...(username === undefined ? {} : { username }),
          ...(password === undefined ? {} : { password: password.reveal() }),
          ...(signal === undefined ? {} : { signal }),
        });
        return parseHaproxyCsv(text, backend);
      }),
    close,
  }),
});

/** `http://lb/stats` → `http://lb/stats;csv`; one that already asks for CSV stays as it is. */
function csvUrl(url: string): string {
  const [page = url, query] = url.split('?', 2);
  const csv = page.endsWith(';csv') ? page : `${page};csv`;
  return query === undefined ? csv : `${csv}?${query}`;
}
