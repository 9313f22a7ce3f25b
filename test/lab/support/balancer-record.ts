import { setTimeout as sleep } from 'node:timers/promises';
import { askBalancer } from './haproxy.ts';
import { parseServers } from './stats-csv.ts';

/** Where a balancer's own view is read: its runtime socket, or its stats page (as in `Fleet.statsUrl`). */
export type BalancerSource = { readonly socketPath: string } | { readonly statsUrl: string };

/** What the balancer showed at one moment: server name → status, word for word. */
export interface BalancerSample {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly statuses: ReadonlyMap<string, string>;
}

/** A time in which a server was shown as something else than exactly `UP`. */
export interface Outage {
  readonly server: string;
  readonly fromMs: number;
  /** The first sample that showed it UP again; undefined when none did. */
  readonly untilMs: number | undefined;
}

export interface BalancerRecord {
  readonly samples: number;
  /** Reads that failed or said nothing, as while the balancer is stopped or has just been reloaded. */
  readonly failedReads: number;
  /** Longest time between two samples: what was shorter than this may have been missed. */
  readonly longestGapMs: number;
  /** The fewest servers that any sample showed exactly UP; undefined without samples. */
  readonly minimumUp: number | undefined;
  /** In the order in which they began. */
  readonly outages: readonly Outage[];
}

export interface RecordOptions {
  /** Default `web`. */
  readonly backend?: string;
  /** Default 50. */
  readonly intervalMs?: number;
}

/** Samples a balancer until it is stopped. Resolves when the first sample has been taken. */
export async function startRecord(
  source: BalancerSource,
  options: RecordOptions = {},
): Promise<{ stop(): Promise<BalancerRecord> }> {
  const { backend = 'web', intervalMs = 50 } = options;
  const samples: BalancerSample[] = [await readSample(source, backend)];
  const stopped = new AbortController();
  let failedReads = 0;

  const sampling = (async () => {
    let dueMs = Date.now() + intervalMs;
    while (!stopped.signal.aborted) {
      await sleep(Math.max(0, dueMs - Date.now()), undefined, { signal: stopped.signal }).catch(() => undefined);
      // At a fixed rate; what a busy machine made us miss is skipped, and shows as a gap.
      dueMs = Math.max(dueMs + intervalMs, Date.now());
      try {
        samples.push(await readSample(source, backend));
      } catch {
        failedReads += 1;
      }
    }
  })();

  return {
    stop: async () => {
      stopped.abort();
      await sampling;
      return foldSamples(samples, failedReads);
    },
  };
}

/** What a series of samples, in order, says. */
export function foldSamples(samples: readonly BalancerSample[], failedReads = 0): BalancerRecord {
  const outages: { server: string; fromMs: number; untilMs: number | undefined }[] = [];
  let minimumUp: number | undefined;
  let longestGapMs = 0;
  let previousMs: number | undefined;
  for (const { atMs, statuses } of samples) {
    const up = [...statuses.values()].filter((status) => status === 'UP').length;
    minimumUp = Math.min(minimumUp ?? up, up);
    longestGapMs = Math.max(longestGapMs, atMs - (previousMs ?? atMs));
    previousMs = atMs;
    for (const [server, status] of statuses) {
      const open = outages.find((outage) => outage.server === server && outage.untilMs === undefined);
      if (status === 'UP' && open !== undefined) open.untilMs = atMs;
      if (status !== 'UP' && open === undefined) outages.push({ server, fromMs: atMs, untilMs: undefined });
    }
  }
  return { samples: samples.length, failedReads, longestGapMs, minimumUp, outages };
}

/** @throws Error when the balancer does not answer, or shows no server of the backend. */
async function readSample(source: BalancerSource, backend: string): Promise<BalancerSample> {
  const csv =
    'socketPath' in source ? await askBalancer(source.socketPath, 'show stat') : await readPage(source.statsUrl);
  const servers = parseServers(csv, backend);
  if (servers.length === 0) throw new Error(`the balancer shows no server of backend ${backend}`);
  // A balancer that has just been reloaded sends to servers that it has not checked yet, whatever it calls them.
  if (servers.some((server) => /^(\* )?INI$/.test(server['check_status'] ?? '')))
    throw new Error('the balancer has not checked every server yet');
  return {
    atMs: Date.now(),
    statuses: new Map(servers.map((server) => [server['svname'] ?? '', server['status'] ?? ''])),
  };
}

async function readPage(statsUrl: string): Promise<string> {
  const response = await fetch(`${statsUrl};csv`, { signal: AbortSignal.timeout(2000) });
  if (!response.ok) throw new Error(`${statsUrl};csv answered ${response.status}`);
  return await response.text();
}
