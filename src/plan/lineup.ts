import { labels, nextName, previousName } from '../docker/names.ts';
import type { Container } from '../docker/observed.ts';
import type { Service } from '../model/service.ts';

type Containers = ReadonlyMap<string, Container>;

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

/** Made by rollout, for whichever playbook. */
export function isOurs(container: Container | undefined): boolean {
  return container?.labels[labels.play] !== undefined;
}

/** An adopted container has no label of ours; the one that took its place knows it by its id. */
function isReplacedBy(successor: Container | undefined, { id }: Container): boolean {
  return isOurs(successor) && successor?.labels[labels.replaces] === id;
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
