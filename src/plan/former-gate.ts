import type { Container } from '../docker/observed.ts';
import type { Service } from '../model/service.ts';
import { isOurs } from './containers.ts';
import { publishesPortOf } from './taken-ports.ts';

/**
 * The container that answers the balancer's check on a host where the health container has another name by now: the
 * node still leaves rotation with the old one. Undefined where the one of the play's name is there.
 */
export function formerGateOf(
  gate: Service | undefined,
  services: readonly Service[],
  containers: ReadonlyMap<string, Container>,
): Container | undefined {
  if (gate === undefined || containers.has(gate.containerName)) return undefined;
  const isNamed = (name: string): boolean => services.some(({ containerName }) => containerName === name);
  return [...containers.values()].find(
    (container) =>
      isOurs(container) && container.state.running && !isNamed(container.name) && publishesPortOf(container, gate),
  );
}
