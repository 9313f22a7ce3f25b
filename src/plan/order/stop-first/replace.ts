import { compareSpecHash } from '../../../docker/hash.ts';
import { labels, nextName, previousName } from '../../../docker/names.ts';
import type { Container, Observed } from '../../../docker/observed.ts';
import type { Service } from '../../../model/service.ts';
import { isOurs } from '../../containers.ts';
import type { Op, ServiceChange } from '../../plan.ts';
import { isHalfDrained, policyOf, restartPolicyOf } from '../../restart-policy.ts';
import { createOp, nothing, startOps, type Role, type ServiceSteps } from '../../role.ts';
import { sharesWithStopping } from '../../sharing.ts';
import { planVolumes } from '../../volumes.ts';
import { adoptedName, lineupOf, strangersInTheWay } from './lineup.ts';

/** Create next and restart no (while the node drains), stop, park, rename, start. Heal has already removed any leftover. */
export function replaceSteps(service: Service, observed: Observed, role: Role, change: ServiceChange): ServiceSteps {
  const name = service.containerName;
  const { cause } = change;
  const id = { service: service.name, cause };
  const current = observed.containers.get(name);
  const { previous } = lineupOf(name, observed.containers);
  const volumes = current === undefined ? undefined : planVolumes(service, current, observed.images);
  const beside: Op[] = [
    {
      ...createOp(service, nextName(name), role, cause),
      ...(volumes === undefined || volumes.carried.length === 0 ? {} : { carried: volumes.carried }),
      ...(current === undefined ? {} : { replaces: { id: current.id, restart: ownPolicy(service, current) } }),
    },
  ];
  // Before it stops: docker starts a stopped container again, with the daemon or the host, unless its policy is `no`,
  // and it would then fight the new one for its port.
  const stay: Op = { ...id, kind: 'set_restart', container: name, policy: 'no' };
  const isParting = sharesWithStopping(service, role.changed);
  // Docker refuses it of one that is just stopping, as the gate is while its node drains.
  const isBeside = !isParting && !role.isGate;
  if (isBeside) beside.push(stay);
  // The one that was adopted is not ours to remove.
  if (previous !== undefined)
    beside.push(
      isOurs(previous)
        ? { ...id, kind: 'remove', container: previous.name }
        : { ...id, kind: 'rename', container: previous.name, to: adoptedName(name, previous) },
    );
  const stop: Op[] = isBeside ? [] : [stay];
  // Draining has stopped the gate already.
  if (current?.state.running === true && !role.isGate) {
    stop.push({ ...id, kind: 'stop', container: name, graceMs: service.stopGraceMs });
  }
  const during: Op[] = [
    ...(isParting ? [] : stop),
    { ...id, kind: 'rename', container: name, to: previousName(name) },
    { ...id, kind: 'rename', container: nextName(name), to: name },
    ...startOps(service, role, cause),
  ];
  const noted = volumes === undefined || volumes.notes.length === 0 ? {} : { volumes: volumes.notes };
  return {
    ...nothing,
    change: { ...change, ...noted },
    image: service.image,
    beside,
    parting: isParting ? stop : [],
    during,
    errors: strangersInTheWay(service, observed.containers),
  };
}

/** What it goes back to: a drain that was cut off may have taken the gate's policy, which is the one it was made with. */
function ownPolicy(service: Service, current: Container): string {
  const isTaken =
    isHalfDrained(service, current) && compareSpecHash(service, current.labels[labels.specHash])?.sameMutable === true;
  return isTaken ? restartPolicyOf(service) : policyOf(current);
}
