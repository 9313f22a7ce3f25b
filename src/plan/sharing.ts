import { nextName } from '../docker/names.ts';
import type { Container } from '../docker/observed.ts';
import type { Service } from '../model/service.ts';
import { boundId, sharingOf } from '../service/shared.ts';
import type { ChangeKind, Difference } from './plan.ts';

type Containers = ReadonlyMap<string, Container>;
/** What a plan does with containers, by name. */
type Changes = ReadonlyMap<string, ChangeKind>;

/** Why a container cannot stay as it is, whatever its own definition says. */
export interface SharingChange {
  /** Replaced: docker binds a container to another one's id, for good. Started again: to that one's new namespaces. */
  readonly kind: 'replace' | 'start';
  readonly cause: string;
  readonly difference: Difference;
}

/**
 * What becomes of a container because of those that it shares a network, memory or processes with: they change in this
 * plan, or have changed since it was created or started. Replacing it beats starting it again.
 */
export function sharingChange(
  { name, spec }: Service,
  current: Container,
  containers: Containers,
  changes: Changes,
): SharingChange | undefined {
  const found = sharingOf(spec).flatMap(({ key, what, container }): SharingChange[] => {
    const other = containers.get(container);
    const change = changes.get(container);
    const shares = `and ${name} shares its ${what}`;
    const anew: Difference = { path: key, from: `the old ${container}`, to: `the new ${container}` };
    const again: Difference = { path: 'state', from: `started before ${container}`, to: `started after ${container}` };
    if (change === 'create') return [{ kind: 'replace', cause: `${container} is new, ${shares}`, difference: anew }];
    if (change === 'replace' || change === 'adopt')
      return [{ kind: 'replace', cause: `${container} is replaced, ${shares}`, difference: anew }];
    const bound = boundId(current.inspect, key);
    if (other !== undefined && bound !== undefined && bound !== other.id && bound !== container)
      return [{ kind: 'replace', cause: `it shares the ${what} of an earlier ${container}`, difference: anew }];
    if (!current.state.running) return [];
    if (change === 'start')
      return [{ kind: 'start', cause: `${container} is started again, ${shares}`, difference: again }];
    if (other?.state.running === true && Date.parse(current.state.startedAt) < Date.parse(other.state.startedAt))
      return [{ kind: 'start', cause: `${container} was started again, ${shares}`, difference: again }];
    return [];
  });
  return found.find(({ kind }) => kind === 'replace') ?? found[0];
}

/** Containers that a service shares with and that this plan stops: it stops before them, so that it never runs without. */
export function sharesWithStopping({ spec }: Service, changes: Changes): boolean {
  const stopping: readonly (ChangeKind | undefined)[] = ['replace', 'adopt', 'start'];
  return sharingOf(spec).some(({ container }) => stopping.includes(changes.get(container)));
}

/**
 * For containers that a service shares with and that have another name when it is created: that name, by the one they
 * will have. Docker keeps their id, so that a successor can be created, and checked, while the old ones still serve.
 */
export function namesAtCreate({ spec }: Service, changes: Changes): Readonly<Record<string, string>> {
  const replaced = sharingOf(spec).filter(({ container }) => {
    const change = changes.get(container);
    return change === 'replace' || change === 'adopt';
  });
  return Object.fromEntries(replaced.map(({ container }) => [container, nextName(container)]));
}

/** Whether docker could start a container now: what it shares is of containers that run, and not of earlier ones. */
export function canStart({ spec }: Service, { inspect }: Container, containers: Containers): boolean {
  return sharingOf(spec).every(({ key, container }) => {
    const other = containers.get(container);
    const bound = boundId(inspect, key);
    if (other === undefined || bound === undefined) return true;
    return other.state.running && (bound === other.id || bound === container);
  });
}

/** Containers that nobody makes and that services share with; in words that say what is missing. */
export function missingSharers(services: readonly Service[], containers: Containers): readonly string[] {
  const made = new Set(services.map(({ containerName }) => containerName));
  return services.flatMap(({ name, spec }) =>
    sharingOf(spec)
      .filter(({ container }) => !made.has(container) && !containers.has(container))
      .map(
        ({ key, container }) =>
          `container ${container} is not there, and ${key} of ${name} shares with it; start it first: docker start ${container}`,
      ),
  );
}

/** Names of containers outside the play that its services share with: they are read with its own. */
export function sharedContainers(services: readonly Service[]): readonly string[] {
  return services.flatMap(({ spec }) => sharingOf(spec).map(({ container }) => container));
}
