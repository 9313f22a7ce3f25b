import { nextName, previousName } from '../../model/container-names.ts';
import { formatPosition, type Problem } from '../../model/problem.ts';
import { keyOf, type NetworkSpec, type Service, type VolumeSpec } from '../../model/service.ts';
import { hostPortOf, type HostPort } from '../../service/keys/ports.ts';
import { placeAt, problemIn, type Part } from '../document.ts';

/** A service that a host gets, and where it is written. */
export interface PlacedService {
  readonly service: Service;
  readonly part: Part;
}

/** A network or volume of a host's play. */
export interface PlacedResource {
  readonly kind: 'network' | 'volume';
  readonly spec: NetworkSpec | VolumeSpec;
  readonly part: Part;
}

/** What one play puts on a host. */
export interface Placed {
  readonly services: readonly PlacedService[];
  readonly resources: readonly PlacedResource[];
}

/**
 * What a host has once only, and two services want: names of containers, ports of the host, addresses in a network. And
 * networks and volumes that two plays describe differently. Of each pair the later one is reported, with the place of
 * the earlier one; `plays` are those of one host, in order, and only what the last of them adds is looked at.
 */
export function sharedProblems(plays: readonly Placed[]): readonly Problem[] {
  const own = plays.at(-1);
  if (own === undefined) return [];
  const earlier = plays.slice(0, -1).flatMap(({ services }) => services);
  const problems = own.services.flatMap((placed, index) => {
    const others = [...earlier, ...own.services.slice(0, index)];
    return others.flatMap((other) => [...nameProblems(placed, other), ...addressProblems(placed, other)]);
  });
  const resources = plays.slice(0, -1).flatMap((play) => play.resources);
  return distinct([
    ...problems,
    ...portProblems(earlier, own.services),
    ...own.resources.flatMap((placed, index) =>
      [...resources, ...own.resources.slice(0, index)].flatMap((other) => resourceProblems(placed, other)),
    ),
  ]);
}

/** One problem a place: what is wrong with it in several ways is said in one, and what replicas repeat once. */
function distinct(problems: readonly Problem[]): readonly Problem[] {
  const byPlace = new Map<string, Problem[]>();
  for (const problem of problems) {
    const place = `${formatPosition(problem)} ${problem.path}`;
    byPlace.set(place, [...(byPlace.get(place) ?? []), problem]);
  }
  return [...byPlace.values()].flatMap((found) => {
    const messages = [...new Set(found.map(({ message }) => message))];
    return found.slice(0, 1).map((problem) => ({ ...problem, message: messages.join('; ') }));
  });
}

function described({ service, part }: PlacedService, at?: string): string {
  return `${service.name} (${formatPosition(placeAt(part, at === undefined ? [] : [at]))})`;
}

function nameProblems({ service, part }: PlacedService, other: PlacedService): readonly Problem[] {
  const own = service.containerName;
  const theirs = other.service.containerName;
  const report = (message: string): readonly Problem[] => [problemIn(part, ['container_name'], message)];
  if (own === theirs)
    return report(
      `names the container ${own}, and so does ${described(other, 'container_name')}; a host has one container of a name`,
    );
  for (const [name, taken, whose] of [
    [own, theirs, 'the other'],
    [theirs, own, 'this one'],
  ] as const)
    if (name === nextName(taken) || name === previousName(taken))
      return report(
        `names the container ${own}, and ${described(other, 'container_name')} is ${theirs}; rollout needs ${nextName(taken)} and ${previousName(taken)} while it replaces ${whose}`,
      );
  if (service.name === other.service.name && part === other.part) return [];
  if (service.name === other.service.name && keyOf(service) !== keyOf(other.service))
    return [problemIn(part, [], `is called ${service.name}, and so is a replica of ${described(other)}`)];
  return [];
}

type Networks = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

function addressProblems({ service, part }: PlacedService, other: PlacedService): readonly Problem[] {
  const own = (service.spec['networks'] ?? {}) as Networks;
  const theirs = (other.service.spec['networks'] ?? {}) as Networks;
  return Object.entries(own).flatMap(([network, attachment]) =>
    (['ipv4_address', 'ipv6_address'] as const)
      .filter((key) => attachment[key] !== undefined && attachment[key] === theirs[network]?.[key])
      .map((key) =>
        problemIn(
          part,
          ['networks'],
          `has the address ${String(attachment[key])} in network ${network}, and so has ${described(other, 'networks')}; an address belongs to one container`,
        ),
      ),
  );
}

interface Publisher {
  readonly placed: PlacedService;
  readonly port: HostPort;
  readonly isOwn: boolean;
}

/** Ports that are asked for by number are taken by them; a range needs one that is left, as docker takes the first free one. */
function portProblems(earlier: readonly PlacedService[], own: readonly PlacedService[]): readonly Problem[] {
  const publishersOf = (placed: PlacedService, isOwn: boolean): readonly Publisher[] =>
    ((placed.service.spec['ports'] ?? []) as readonly string[]).flatMap((written) => {
      const port = hostPortOf(written);
      return port === undefined ? [] : [{ placed, port, isOwn }];
    });
  const all = [
    ...earlier.flatMap((placed) => publishersOf(placed, false)),
    ...own.flatMap((placed) => publishersOf(placed, true)),
  ];
  const isRange = ({ port }: Publisher): boolean => port.last > port.first;
  const taken: Publisher[] = [];
  const problems: Problem[] = [];
  const ranges = all.filter(isRange).toSorted((one, another) => one.port.last - another.port.last);
  for (const publisher of [...all.filter((each) => !isRange(each)), ...ranges]) {
    const { port } = publisher;
    const holders: Publisher[] = [];
    let isPlaced = false;
    for (let number = port.first; number <= port.last && !isPlaced; number += 1) {
      const wanted = { ...port, first: number, last: number };
      const holder = taken.find((each) => collide(each.port, wanted));
      if (holder === undefined) {
        taken.push({ ...publisher, port: wanted });
        isPlaced = true;
      } else holders.push(holder);
    }
    if (isPlaced) continue;
    // Ranges are looked at last: the one to be reported may be the one that was here first.
    const [other] = holders;
    const [later, first] = publisher.isOwn || other === undefined ? [publisher, other] : [other, publisher];
    if (later.isOwn && first !== undefined) problems.push(portProblem(later.placed, publisher.port, first.placed));
  }
  return problems;
}

function portProblem({ service, part }: PlacedService, port: HostPort, other: PlacedService): Problem {
  const numbers = port.first === port.last ? String(port.first) : `${port.first}-${port.last}`;
  const where = port.ip === '' ? '' : ` of ${port.ip}`;
  const message =
    service === other.service
      ? `publishes port ${numbers}/${port.protocol}${where} twice`
      : `publishes port ${numbers}/${port.protocol}${where}, and so does ${described(other, 'ports')}`;
  return problemIn(part, ['ports'], message);
}

/** One protocol, one number, and addresses of which one is the other, or stands for it. */
function collide(one: HostPort, other: HostPort): boolean {
  if (one.protocol !== other.protocol || one.first !== other.first) return false;
  if (one.ip === '' || other.ip === '' || one.ip === other.ip) return true;
  const isIpv6 = (ip: string): boolean => ip.includes(':');
  if (isIpv6(one.ip) !== isIpv6(other.ip)) return false;
  return [one.ip, other.ip].some((ip) => ip === '0.0.0.0' || ip === '::');
}

/** What only one of them describes is taken as it is by the other. */
function resourceProblems({ kind, spec, part }: PlacedResource, other: PlacedResource): readonly Problem[] {
  if (kind !== other.kind || spec.name !== other.spec.name || spec.external || other.spec.external) return [];
  const [own, theirs] = [settingsOf(spec), settingsOf(other.spec)];
  if (own === '{}' || theirs === '{}' || own === theirs) return [];
  const place = formatPosition(placeAt(other.part, []));
  return [
    problemIn(
      part,
      [],
      `is the ${kind} ${spec.name} with other settings than at ${place}; a host has one ${kind} of a name`,
    ),
  ];
}

/** Labels are never a reason to refuse: see the plan's warnings. */
function settingsOf({ options }: NetworkSpec | VolumeSpec): string {
  const { labels: _, ...settings } = options;
  return JSON.stringify(settings);
}
