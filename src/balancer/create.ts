import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import { assertNever } from '../model/assert-never.ts';
import type { LoadBalancerSpec } from '../model/play.ts';
import { createHaproxy } from './haproxy.ts';
import { createCommandBalancer, createHttpBalancer } from './other.ts';
import { createHttpGet } from './read.ts';
import type { LoadBalancer } from './view.ts';

/** Opens a TCP connection from another host (`via`). */
export type OpenTcp = (port: number, address: string) => Promise<Duplex>;

/** The balancer of a play. `servers` are its nodes' names there, for kinds that are asked server by server. */
export function createLoadBalancer(
  spec: LoadBalancerSpec,
  servers: readonly string[],
  options: { now: () => number; openTcp?: OpenTcp },
): LoadBalancer {
  const agent = options.openTcp === undefined ? new Agent({ keepAlive: true }) : tunnelAgent(options.openTcp);
  const get = createHttpGet(agent);
  switch (spec.type) {
    case 'haproxy':
      return createHaproxy(spec, { get, now: options.now, agent });
    case 'http':
      return createHttpBalancer(spec, servers, { get, now: options.now });
    case 'command':
      return createCommandBalancer(spec, servers, { now: options.now });
    default:
      return assertNever(spec);
  }
}

/** An agent whose connections leave from another host. */
function tunnelAgent(openTcp: OpenTcp): Agent {
  const agent = new Agent({ keepAlive: false });
  agent.createConnection = (options, callback) => {
    openTcp(Number(options.port), options.host ?? 'localhost').then(
      (stream) => callback?.(null, stream),
      (error: unknown) => callback?.(error instanceof Error ? error : new Error(String(error)), undefined as never),
    );
    return undefined;
  };
  return agent;
}
