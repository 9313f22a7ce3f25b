import type { LoadBalancerSpec } from '../model/play.ts';
import { createHttpGet, directAgents, prepareHttpGet, tunnelAgents, type OpenTcp } from './http.ts';
import { balancerKinds } from './table.ts';
import type { LoadBalancer } from './view.ts';

/** Makes ready what reading the balancer will take, without reading it. */
export function prepareLoadBalancer({ type }: LoadBalancerSpec): void {
  if (balancerKinds.get(type)?.fetches === true) prepareHttpGet();
}

/** The balancer of a play. `servers` are its nodes' names there, for kinds that are asked server by server. */
export function createLoadBalancer(
  { type, settings }: LoadBalancerSpec,
  servers: readonly string[],
  options: { now: () => number; openTcp?: OpenTcp },
): LoadBalancer {
  const kind = balancerKinds.get(type);
  if (kind === undefined) throw new Error(`no kind of balancer is called ${type}`);
  const agents = options.openTcp === undefined ? directAgents() : tunnelAgents(options.openTcp);
  return kind.open(settings, {
    servers,
    get: createHttpGet(agents),
    now: options.now,
    close: () => {
      agents.http.destroy();
      agents.https.destroy();
    },
  });
}
