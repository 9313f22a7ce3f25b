import type { Container } from '../docker/observed.ts';
import type { Service } from '../model/service.ts';

/** A port of a host that takes requests, or may. */
export interface HostPort {
  readonly port: number;
  /** Where to look besides the loopback address: an address that it is bound to, or that the balancer sends to. */
  readonly address?: string;
}

/** What one look at a port found. Unknown: nobody could look, as where sshd forbids it. */
export type PortFinding = 'answers' | 'silent' | 'unknown';

/** What must answer before a node is let in. */
export interface TrafficPorts {
  readonly ports: readonly HostPort[];
  /** Each of them, as the balancer sends there; or one at least, where only the play's own ports are known. */
  readonly wanted: 'all' | 'any';
  /** How they are known, for the error. */
  readonly origin: 'balancer' | 'before' | 'play';
}

/**
 * Which ports of a node must answer once it is updated, from what answered before: `undefined` where nothing is known. A
 * port that did not answer before is none that the update has broken. Where the balancer does not say where it sends, the
 * ports that answered before are the ones, and on the first deployment those that the play publishes.
 */
export function trafficPorts(known: {
  /** Ports that the balancer sends to, as it says. */
  readonly ofBalancer: readonly HostPort[];
  /** Published by what ran before; undefined where nothing ran. */
  readonly before: readonly HostPort[] | undefined;
  readonly answeredBefore: ReadonlySet<number>;
  readonly ofPlay: readonly HostPort[];
  /** What ran before is not the play's, and stays: each of its ports answers again. */
  readonly isOthers?: boolean;
}): TrafficPorts | undefined {
  const { ofBalancer, before, answeredBefore, ofPlay, isOthers = false } = known;
  const answered = ({ port }: HostPort): boolean => before === undefined || answeredBefore.has(port);
  if (ofBalancer.length > 0) return someOf({ ports: ofBalancer.filter(answered), wanted: 'all', origin: 'balancer' });
  if (before === undefined) return someOf({ ports: ofPlay, wanted: 'any', origin: 'play' });
  return someOf({ ports: before.filter(answered), wanted: isOthers ? 'all' : 'any', origin: 'before' });
}

const someOf = (found: TrafficPorts): TrafficPorts | undefined => (found.ports.length === 0 ? undefined : found);

/** Why the node may not be let in: the ports that nothing answers at. Undefined where it may, or where nobody knows. */
export function silentPorts(
  { ports, wanted }: TrafficPorts,
  findings: ReadonlyMap<number, PortFinding>,
): readonly number[] | undefined {
  const silent = ports.filter(({ port }) => findings.get(port) === 'silent').map(({ port }) => port);
  const isRefused = wanted === 'all' ? silent.length > 0 : silent.length === ports.length;
  return isRefused ? silent : undefined;
}

/** TCP ports that containers publish, as docker has them. */
export function portsOfContainers(containers: readonly Container[]): readonly HostPort[] {
  return containers.flatMap(({ inspect }) => {
    const bindings = (inspect as Inspect).HostConfig?.PortBindings ?? {};
    return Object.entries(bindings).flatMap(([target, published]) =>
      target.endsWith('/tcp')
        ? (published ?? []).flatMap(({ HostPort, HostIp = '' }) => hostPort(HostPort ?? '', HostIp))
        : [],
    );
  });
}

interface Inspect {
  readonly HostConfig?: {
    readonly PortBindings?: Readonly<
      Record<string, readonly { readonly HostPort?: string; readonly HostIp?: string }[] | null>
    > | null;
  };
}

/** TCP ports that services publish, by their own writing; nothing where one of them uses the host's network and may serve at any. */
export function portsOfServices(services: readonly Service[]): readonly HostPort[] {
  if (services.some(({ spec }) => spec['network_mode'] === 'host')) return [];
  return services.flatMap(({ spec }) => {
    const ports = spec['ports'];
    if (!Array.isArray(ports)) return [];
    return (ports as readonly unknown[]).flatMap((written) => {
      const match = /^(?:(?<ip>\[[^\]]*\]|[\d.]+):)?(?<port>\d+):[^:]+\/tcp$/.exec(String(written))?.groups;
      return match === undefined ? [] : hostPort(match['port'] ?? '', match['ip'] ?? '');
    });
  });
}

/** `10.0.0.11:8080` or `[fd00::11]:8080`, as a balancer writes where it sends; empty for anything else, as a unix socket. */
export function parseAddress(address: string): readonly HostPort[] {
  const match = /^(?<host>\[[^\]]+\]|[^:]+):(?<port>\d+)$/.exec(address)?.groups;
  return match === undefined ? [] : hostPort(match['port'] ?? '', match['host'] ?? '');
}

function hostPort(port: string, host: string): readonly HostPort[] {
  const number = Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) return [];
  const address = host.replace(/^\[|\]$/g, '');
  const isEvery = address === '' || address === '0.0.0.0' || address === '::';
  return [{ port: number, ...(isEvery ? {} : { address }) }];
}
