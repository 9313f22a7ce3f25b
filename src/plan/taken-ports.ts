import type { Container } from '../docker/observed.ts';
import type { TakenPort } from '../docker/taken-ports.ts';
import type { Service } from '../model/service.ts';
import { hostPortOf, type HostPort } from '../service/keys/ports.ts';
import type { NodePlan } from './plan.ts';

/** A port that a service is about to take. */
interface WantedPort extends HostPort {
  readonly service: Service;
}

/**
 * Ports of the host that a run of this plan would take and that its services do not have yet: only for these is it worth
 * asking who has them. Empty for an update that keeps its ports.
 */
export function newPorts(
  plan: Pick<NodePlan, 'during'>,
  services: readonly Service[],
  containers: ReadonlyMap<string, Container>,
): readonly WantedPort[] {
  const starting = new Set(plan.during.flatMap((op) => (op.kind === 'start' ? [op.container] : [])));
  return services
    .filter(({ containerName }) => starting.has(containerName))
    .flatMap((service) => {
      const current = containers.get(service.containerName);
      const had = current?.state.running === true ? portsOfContainer(current) : new Set<string>();
      const wanted = portsOf(service).filter((port) => !had.has(keyOf(port)));
      return wanted.map((port) => ({ ...port, service }));
    });
}

/**
 * Whose ports stand in the way of a plan. What the plan itself stops gives its ports back first.
 * @param wanted see {@link newPorts}
 */
export function takenPortErrors(
  plan: Pick<NodePlan, 'during'>,
  wanted: readonly WantedPort[],
  taken: readonly TakenPort[],
): readonly string[] {
  const stopped = new Set(plan.during.flatMap((op) => (op.kind === 'stop' ? [op.container] : [])));
  const staying = taken.filter(({ container }) => container === undefined || !stopped.has(container));
  const errors = wanted.flatMap(({ service, ...port }) => {
    const holders = Array.from({ length: port.last - port.first + 1 }, (_, offset) =>
      staying.find((held) => held.first === port.first + offset && overlaps(port, held)),
    );
    // Docker takes the first free one of a range.
    const [holder] = holders;
    return holder === undefined || holders.includes(undefined) ? [] : [describe(port, service, holder)];
  });
  return [...new Set(errors)];
}

/** Whether a container has a port of the host that a service wants. */
export function publishesPortOf(container: Container, service: Service): boolean {
  const had = portsOfContainer(container);
  return portsOf(service).some((port) => had.has(keyOf(port)));
}

function portsOf({ spec }: Service): readonly HostPort[] {
  const ports = spec['ports'];
  if (!Array.isArray(ports)) return [];
  return ports.flatMap((port: unknown) => (typeof port === 'string' ? (hostPortOf(port) ?? []) : []));
}

/** What it publishes right now, as docker has bound it. */
function portsOfContainer({ inspect }: Container): ReadonlySet<string> {
  const host = inspect['HostConfig'];
  const bindings = isDocument(host) && isDocument(host['PortBindings']) ? host['PortBindings'] : {};
  const bound = Object.entries(bindings).flatMap(([target, entries]) =>
    (Array.isArray(entries) ? entries : []).flatMap((entry: unknown) => {
      if (!isDocument(entry)) return [];
      const { HostIp: ip, HostPort: number } = entry;
      const written = typeof ip === 'string' && ip !== '' ? (ip.includes(':') ? `[${ip}]:` : `${ip}:`) : '';
      const port = hostPortOf(`${written}${typeof number === 'string' ? number : ''}:${target}`);
      return port === undefined ? [] : [keyOf(port)];
    }),
  );
  return new Set(bound);
}

const keyOf = ({ ip, first, last, protocol }: HostPort): string => `${protocol} ${ip} ${first}-${last}`;

/** Every address of the host overlaps with each of them; IPv4 and IPv6 do not. */
function overlaps(wanted: HostPort, held: HostPort): boolean {
  if (wanted.protocol !== held.protocol) return false;
  if (wanted.ip === '' || held.ip === '' || wanted.ip === held.ip) return true;
  // A socket on :: takes IPv4 as well, unless it says otherwise, which nobody can see from here: docker's own do say so.
  if (held.ip === '::') return wanted.ip.includes(':') || !('container' in held);
  const isEvery = (ip: string): boolean => ip === '0.0.0.0' || ip === '::';
  return wanted.ip.includes(':') === held.ip.includes(':') && (isEvery(wanted.ip) || isEvery(held.ip));
}

function describe(port: HostPort, { name }: Service, { container, process }: TakenPort): string {
  const number = port.first === port.last ? `port ${port.first}` : `every port of ${port.first}-${port.last}`;
  const what = `${number}${port.protocol === 'tcp' ? '' : `/${port.protocol}`} of ${name} is taken by`;
  if (container !== undefined)
    return `${what} container ${container}; stop it, or write container_name: ${container} in ${name} to take it over`;
  if (process?.startsWith('docker-proxy') === true)
    return `${what} ${process}, for a container that runs no more: docker has leaked it; systemctl restart docker frees it`;
  const who = process ?? 'a process (root can tell which: ss -lntup)';
  return `${what} ${who}; stop it, or publish another port`;
}

function isDocument(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
