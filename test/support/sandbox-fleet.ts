import { startSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.ts';
import type { Fleet } from './fleet.ts';

/** The sandbox as a fleet; `sandbox` for what the lab has no counterpart of. */
export interface SandboxFleet extends Fleet {
  readonly kind: 'sandbox';
  readonly sandbox: Sandbox;
}

export async function startSandboxFleet(options: SandboxOptions): Promise<SandboxFleet> {
  const sandbox = await startSandbox(options);
  const act = (name: string, action: 'powerOff' | 'powerOn' | 'partition' | 'heal') =>
    Promise.resolve(sandbox.host(name)[action]());
  return {
    kind: 'sandbox',
    sandbox,
    hosts: sandbox.hosts,
    dir: sandbox.dir,
    inventoryFile: sandbox.inventoryFile,
    registry: sandbox.registry.address,
    frontendUrl: sandbox.frontendUrl,
    statsUrl: sandbox.statsUrl,
    publish: (repository, tag, env, volumes) => Promise.resolve(sandbox.publish(repository, tag, env, volumes)),
    docker: (host, args) => sandbox.docker(host, args),
    setWeight: (host, weight) => {
      sandbox.balancer.setWeight(host, weight);
      return Promise.resolve();
    },
    hostDown: (host) => act(host, 'powerOff'),
    hostUp: (host) => act(host, 'powerOn'),
    partition: (host) => act(host, 'partition'),
    heal: (host) => act(host, 'heal'),
    close: () => sandbox.close(),
  };
}
