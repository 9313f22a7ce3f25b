import { labels, nextName, previousName } from '../../../docker/names.ts';
import type { Container } from '../../../docker/observed.ts';
import type { Service } from '../../../model/service.ts';
import { isOurs } from '../../containers.ts';
import type { Containers } from '../order.ts';

/** The names that the containers of a service have while one takes the place of the other. */
export function namesOf({ containerName: name }: Service): readonly string[] {
  return [name, nextName(name), previousName(name)];
}

/** What a host has of one service: only what rollout made, or has parked itself, besides the service's own container. */
export interface Lineup {
  /** Whoever made it: by the service's name it is adopted. */
  readonly current: Container | undefined;
  readonly next: Container | undefined;
  readonly previous: Container | undefined;
}

export function lineupOf(name: string, containers: Containers): Lineup {
  const current = containers.get(name);
  const next = containers.get(nextName(name));
  const previous = containers.get(previousName(name));
  const isParked =
    previous !== undefined && (isOurs(previous) || isReplacedBy(current, previous) || isReplacedBy(next, previous));
  return { current, next: isOurs(next) ? next : undefined, previous: isParked ? previous : undefined };
}

/** An adopted container has no label of ours; the one that took its place knows it by its id. */
function isReplacedBy(successor: Container | undefined, { id }: Container): boolean {
  return isOurs(successor) && successor?.labels[labels.replaces] === id;
}

/** The policy that a container had before it was stopped and parked; undefined where what took its place does not tell. */
export function policyBefore({ id }: Container, { current, next }: Lineup): string | undefined {
  const successor = [current, next].find((each) => isOurs(each) && each?.labels[labels.replaces] === id);
  return successor?.labels[labels.replacesRestart];
}

/** Containers of somebody else under names that the replacement of a service needs, in words that say what to do. */
export function strangersInTheWay({ name, containerName }: Service, containers: Containers): readonly string[] {
  const { next, previous } = lineupOf(containerName, containers);
  const taken = [
    ...(next === undefined ? [nextName(containerName)] : []),
    ...(previous === undefined ? [previousName(containerName)] : []),
  ];
  return taken
    .filter((each) => containers.has(each))
    .map(
      (each) =>
        `container ${each} was not made by rollout, and the replacement of ${name} needs its name; give it another one: docker rename ${each} NAME`,
    );
}

/** The name under which an adopted container is kept when its place as the parked one is needed: it is not ours to remove. */
export function adoptedName(name: string, { id }: Container): string {
  return `${name}.adopted-${id.slice(0, 12)}`;
}
