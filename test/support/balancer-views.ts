import type { BalancerView, ServerCounters, ServerState } from '../../src/balancer/view.ts';

const nothing: ServerCounters = {
  requests: 0,
  http5xx: 0,
  connectionErrors: 0,
  responseErrors: 0,
  responseTimeMs: 10,
};

/** A reading of servers that are UP; undefined: one whose counters the balancer does not tell. */
export function readingOf(
  servers: Readonly<Record<string, Partial<ServerCounters> | undefined>>,
  balancer = 'lb',
): BalancerView['readings'][number] {
  return {
    balancer,
    servers: new Map(
      Object.entries(servers).map(([name, own]): [string, ServerState] => [
        name,
        {
          status: 'up',
          raw: 'UP',
          sessions: 0,
          queued: 0,
          counters: own === undefined ? undefined : { ...nothing, ...own },
        },
      ]),
    ),
  };
}
