import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { assertNever } from '../model/assert-never.ts';
import type { LoadBalancerSpec } from '../model/play.ts';
import { createHaproxy } from './kinds/haproxy.ts';
import { createCommandBalancer, createHttpBalancer } from './kinds/asked.ts';
import { createHttpGet, type Agents } from './read.ts';
import type { LoadBalancer } from './view.ts';

/** Opens a TCP connection from another host (`via`). */
export type OpenTcp = (port: number, address: string) => Promise<Duplex>;

/** The balancer of a play. `servers` are its nodes' names there, for kinds that are asked server by server. */
export function createLoadBalancer(
  spec: LoadBalancerSpec,
  servers: readonly string[],
  options: { now: () => number; openTcp?: OpenTcp },
): LoadBalancer {
  const agents = options.openTcp === undefined ? directAgents() : tunnelAgents(options.openTcp);
  const get = createHttpGet(agents);
  const close = (): void => {
    agents.http.destroy();
    agents.https.destroy();
  };
  switch (spec.type) {
    case 'haproxy':
      return createHaproxy(spec, { get, now: options.now, close });
    case 'http':
      return createHttpBalancer(spec, servers, { get, now: options.now, close });
    case 'command':
      return createCommandBalancer(spec, servers, { now: options.now });
    default:
      return assertNever(spec);
  }
}

function directAgents(): Agents {
  return { http: new Agent({ keepAlive: true }), https: new TlsAgent({ keepAlive: true }) };
}

/** Agents whose connections leave from another host. TLS is spoken from here, with whom the URL names. */
function tunnelAgents(openTcp: OpenTcp): Agents {
  const http = new Agent({ keepAlive: false });
  const https = new TlsAgent({ keepAlive: false });
  http.createConnection = (options, callback) => {
    const opening = openTcp(Number(options.port), options.host ?? 'localhost');
    hand(opening, callback);
    return undefined;
  };
  https.createConnection = (options, callback) => {
    // The agent's options name a TLS server; for plain connections they have the same type.
    const { host = 'localhost', port, ...secure } = options as ConnectionOptions;
    const opening = openTcp(Number(port), host).then((socket) => connectTls({ ...secure, host, socket }));
    hand(opening, callback);
    return undefined;
  };
  return { http, https };
}

function hand(opening: Promise<Duplex>, callback: Callback | undefined): void {
  opening.then(
    (stream) => callback?.(null, stream),
    (error: unknown) => callback?.(error instanceof Error ? error : new Error(String(error)), undefined as never),
  );
}

type Callback = NonNullable<Parameters<Agent['createConnection']>[1]>;
