import type { Problem } from '../../model/problem.ts';
import { keyOf, type Service } from '../../model/service.ts';
import { sharedName, sharingKeys, sharingOf, withModes } from '../../service/shared.ts';
import { problemIn, type Part } from '../document.ts';
import { didYouMean } from '../../model/closest.ts';

/** The services of a play around those that one host gets. */
export interface Surroundings {
  /** Every service of the play, as written. */
  readonly parts: ReadonlyMap<string, { readonly part: Part }>;
  /** Services that this host does not get because of their profiles, none of which is switched on. */
  readonly switchedOff: ReadonlyMap<string, readonly string[]>;
  readonly gate: string | undefined;
  /** The name of a service's first container, also where the service itself has no part in this run. */
  readonly containerOf: (service: string) => string | undefined;
}

/**
 * What the services of a host say of each other, made good: `service:NAME` becomes the container that it means, and
 * whatever shares with a container comes after it. Reports names that lead nowhere, and circles.
 */
export function relateServices(
  services: readonly Service[],
  surroundings: Surroundings,
): { readonly services: readonly Service[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const related = services.map((service) => relate(service, services, surroundings, problems));
  const { gate, parts, switchedOff } = surroundings;
  const profiles = gate === undefined ? undefined : switchedOff.get(gate);
  const gatePart = parts.get(gate ?? '')?.part;
  if (profiles !== undefined && gatePart !== undefined)
    problems.push(problemIn(gatePart, ['profiles'], `leave out the health container: ${switchOn(profiles)}`));
  const circle = findCircle(related, surroundings.gate);
  if (circle !== undefined) {
    const part = surroundings.parts.get(circle[0] ?? '')?.part;
    const message = `goes round in a circle: ${circle.join(', ')}; take one of them out`;
    if (part !== undefined) problems.push(problemIn(part, ['depends_on'], message));
  }
  return { services: related, problems };
}

function relate(
  service: Service,
  all: readonly Service[],
  { parts, switchedOff, gate, containerOf }: Surroundings,
  problems: Problem[],
): Service {
  const key = keyOf(service);
  const part = parts.get(key)?.part;
  // Its replicas are wrong in the same way.
  const speaks = all.find((other) => keyOf(other) === key) === service;
  const report = (at: string, message: string): void => {
    if (part !== undefined && speaks) problems.push(problemIn(part, [at], message));
  };
  for (const { service: other, required } of service.dependsOn) {
    if (required === false || sharesWith(service, other)) continue;
    const profiles = switchedOff.get(other);
    if (!parts.has(other)) report('depends_on', noSuchService(other, parts));
    else if (profiles !== undefined) report('depends_on', `needs ${other}, which is left out: ${switchOn(profiles)}`);
  }
  for (const { service: other, condition } of service.dependsOn) {
    const restart = all.find((one) => keyOf(one) === other)?.spec['restart'];
    if (condition === 'service_completed_successfully' && (restart === 'always' || restart === 'unless-stopped'))
      report(
        'depends_on',
        `waits for ${other} to complete, and ${other} never does with restart: ${restart}; give it restart: no or on-failure`,
      );
  }
  for (const at of sharingKeys) {
    const other = sharedName(service.spec[at], 'service');
    if (other === undefined) continue;
    if (!parts.has(other)) report(at, noSuchService(other, parts));
    else if (containerOf(other) === undefined) report(at, `names ${other}, which this host does not get`);
  }
  const bound = withModes(service, (mode) => {
    const other = sharedName(mode, 'service');
    return other === undefined ? mode : `container:${containerOf(other) ?? other}`;
  });
  const dependsOn = [...bound.dependsOn];
  for (const { key: at, what, container } of sharingOf(bound.spec)) {
    const owner = all.find(({ containerName }) => containerName === container);
    if (owner === undefined) continue;
    const ownerKey = keyOf(owner);
    if (ownerKey === gate)
      report(at, `must not share the ${what} of the health container: that one starts last, and stops first`);
    if (dependsOn.some((dependency) => dependency.service === ownerKey)) continue;
    dependsOn.push({ service: ownerKey, condition: 'service_started' });
  }
  return dependsOn.length === bound.dependsOn.length ? bound : { ...bound, dependsOn };
}

function switchOn(profiles: readonly string[]): string {
  const [first = ''] = profiles;
  const none = profiles.length === 1 ? `its profile ${first} is not` : `none of its profiles ${profiles.join(', ')} is`;
  return `${none} switched on. Write profiles: [${first}] in the play, or set COMPOSE_PROFILES=${first}`;
}

/** Its dependency follows from that, and is spoken of there. */
function sharesWith({ spec }: Service, other: string): boolean {
  return sharingKeys.some((key) => sharedName(spec[key], 'service') === other);
}

function noSuchService(name: string, known: ReadonlyMap<string, unknown>): string {
  return `must name a service of this play; got ${name}${didYouMean(name, known.keys())}`;
}

/** The first circle of dependencies, its first service again at its end. What waits for the gate does so in name only. */
function findCircle(services: readonly Service[], gate: string | undefined): readonly string[] | undefined {
  const edges = new Map<string, readonly string[]>();
  for (const service of services) {
    const dependencies = service.dependsOn.map((dependency) => dependency.service);
    edges.set(
      keyOf(service),
      dependencies.filter((dependency) => dependency !== gate),
    );
  }
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): readonly string[] | undefined => {
    const start = path.indexOf(name);
    if (start !== -1) return [...path.slice(start), name];
    if (done.has(name)) return undefined;
    for (const next of edges.get(name) ?? []) {
      const circle = visit(next, [...path, name]);
      if (circle !== undefined) return circle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of edges.keys()) {
    const circle = visit(name, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
