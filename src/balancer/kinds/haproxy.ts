import * as z from 'zod';
import type { Secret } from '../../model/secret.ts';
import { credential, must, text } from '../../schema/values.ts';
import { port, server, urls, via } from '../keys.ts';
import { balancerKind } from '../kind.ts';
import { UnexpectedAnswer } from '../unexpected-answer.ts';
import type { HttpGet } from '../http.ts';
import { readEach } from '../read.ts';
import type { BalancerReading } from '../view.ts';
import { parseHaproxyCsv } from './haproxy-csv.ts';
import { parseStatsUrl, type StatsUrl } from './stats-url.ts';

const schema = z.strictObject({
  type: z.literal('haproxy'),
  stats: urls.describe('One stats page or several; a node is out only when all of them say so.'),
  backend: z
    .union([text, z.array(text).min(1, must('at least one backend'))], must("a backend's name, or a list of them"))
    .transform((value) => [...new Set([value].flat())])
    .describe("The backend's name in HAProxy; a list where a node gets requests through several."),
  server,
  port,
  username: text.optional().describe('For pages that ask for a password.'),
  password: credential.optional().describe('{ secret: NAME }, or text.'),
  via,
});

interface Settings {
  /** One per balancer. */
  readonly stats: readonly StatsUrl[];
  readonly backends: readonly string[];
  readonly username: string | undefined;
  readonly password: Secret | undefined;
}

/** Reads HAProxy through its statistics pages. */
export const haproxyBalancer = balancerKind({
  type: 'haproxy',
  schema,
  fetches: true,
  settle: ({ stats, backend, username, password }, scope): Settings => ({
    stats: stats.map(parseStatsUrl),
    backends: backend,
    username,
    password: scope.credential('password', password),
  }),
  open: (settings, { get, now, close }) => ({
    read: (signal) => readEach(settings.stats, now, async (page) => readPage(page, settings, get, signal)),
    close,
  }),
});

/** A reading for each backend. */
async function readPage(
  page: StatsUrl,
  { backends, username = page.username, password }: Settings,
  get: HttpGet,
  signal: AbortSignal | undefined,
): Promise<readonly BalancerReading[]> {
  const secret = password?.reveal() ?? page.password;
  const text = await get(page.csv, {
    ...(username === undefined ? {} : { username }),
    ...(secret === undefined ? {} : { password: secret }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    throw error instanceof UnexpectedAnswer ? new Error(`${error.message}; ${meaningOf(error, username)}`) : error;
  });
  const { pools, elsewhere } = parseHaproxyCsv(text, backends);
  return [...pools].map(([backend, pool]) => ({
    balancer: pools.size === 1 ? page.name : `${page.name} backend ${backend}`,
    ...pool,
    ...(elsewhere.length === 0 ? {} : { elsewhere }),
  }));
}

function meaningOf({ status }: UnexpectedAnswer, username: string | undefined): string {
  if (status === 401 || status === 403)
    return username === undefined
      ? 'the page asks for a user and a password: load_balancer.username and password'
      : `the page does not let ${username} in with this password`;
  return 'the address must be that of "stats uri", by default /haproxy?stats';
}
