import { nextName, previousName } from '../../../docker/names.ts';
import type { Container } from '../../../docker/observed.ts';
import type { Service } from '../../../model/service.ts';
import { boundId, sharingOf } from '../../../service/shared.ts';
import { afterOps } from '../../after-ops.ts';
import { isHalfRemoved } from '../../containers.ts';
import type { Op } from '../../plan.ts';
import { restartPolicyOf } from '../../restart-policy.ts';
import { canStart } from '../../sharing.ts';
import { withoutProbe } from '../../unprobed.ts';
import type { Containers, NodeRoles } from '../order.ts';
import { lineupOf, policyBefore, type Lineup } from './lineup.ts';

/** Leftovers of every service, and the gate if the node was left out of rotation though it could serve. */
export function healNode(
  services: readonly Service[],
  containers: Containers,
  { gate, jobs, server }: NodeRoles,
): readonly Op[] {
  const gateService = services.find(({ name }) => name === gate);
  const isOut = gateService !== undefined && containers.get(gateService.containerName)?.state.running === false;
  const ops: Op[] = services.flatMap((service) => finishRemovals(service, containers));
  let after = afterOps(containers, ops);
  // In dependency order: whether one can start again hangs on what it shares with another.
  for (const service of services) {
    const own = isMissedBySharer(service, services, after)
      ? goBack(service, after)
      : service === gateService
        ? healService(service, after, { isOut: false, isJob: false }).filter(({ kind }) => kind !== 'start')
        : healService(service, after, { isOut, isJob: jobs.has(service.name) });
    ops.push(...own);
    after = afterOps(after, own);
  }
  const others = services.filter((service) => service !== gateService && !jobs.has(service.name));
  const isServing = (service: Service): boolean => after.get(service.containerName)?.state.running === true;
  const gateContainer = gateService === undefined ? undefined : after.get(gateService.containerName);
  if (gateService === undefined || gateContainer === undefined) return ops;
  const isGateDown = !gateContainer.state.running && canStart(gateService, gateContainer, after);
  if (!isGateDown || others.length === 0 || !others.every(isServing)) return ops;

  const cause = 'left out of rotation by an earlier run';
  return [
    ...ops,
    ...others.map((service): Op => ({
      kind: 'verify',
      service: withoutProbe(service),
      container: service.containerName,
      cause,
    })),
    { kind: 'admit', container: gateService.containerName, policy: restartPolicyOf(gateService), server, cause },
  ];
}

function finishRemovals({ name: service, containerName: name }: Service, containers: Containers): readonly Op[] {
  const cause = 'its removal was begun and has not ended';
  return Object.values(lineupOf(name, containers)).flatMap((found: Container | undefined): Op[] =>
    found !== undefined && isHalfRemoved(found) ? [{ kind: 'remove', service, container: found.name, cause }] : [],
  );
}

/**
 * Whether another service served with a container that has been replaced, and cannot start without it: it shares its
 * network, and was not replaced itself before the run ended.
 */
function isMissedBySharer(service: Service, services: readonly Service[], containers: Containers): boolean {
  const { previous: parked } = lineupOf(service.containerName, containers);
  if (parked === undefined) return false;
  return services.some(({ containerName, spec }) => {
    const { current, previous } = lineupOf(containerName, containers);
    if (current?.state.running === true) return false;
    const isSwapped = current === undefined || current.state.status === 'created';
    const served = isSwapped ? previous : current;
    return sharingOf(spec).some(
      ({ key, container }) =>
        container === service.containerName && served !== undefined && boundId(served.inspect, key) === parked.id,
    );
  });
}

/** From the container that took over back to the parked one. */
function goBack(service: Service, containers: Containers): readonly Op[] {
  const name = service.containerName;
  const cause = 'left half way by an earlier run';
  const id = { service: service.name, cause, container: name };
  const lineup = lineupOf(name, containers);
  const { current, next, previous } = lineup;
  return [
    ...(current?.state.running === true
      ? [
          { ...id, kind: 'set_restart', policy: 'no' } as const,
          { ...id, kind: 'stop', graceMs: service.stopGraceMs } as const,
        ]
      : []),
    ...(current === undefined ? [] : [{ ...id, kind: 'remove' } as const]),
    { ...id, kind: 'rename', container: previousName(name), to: name },
    ...restart(service, { parked: previous, lineup, cause }),
    ...(next === undefined ? [] : [{ ...id, kind: 'remove', container: next.name } as const]),
  ];
}

/**
 * What brings back into service a node that a run left half way: killed, cut off, or powered down with its host.
 * It only uses containers that are there, and goes back to the last one that served; what the playbook wants comes
 * afterwards, as on any other node. Empty where nothing is half way.
 *
 * The states follow from the order in which a service is replaced: create next, restart no, stop, park (rename to
 * previous), rename next, start.
 */
function healService(
  service: Service,
  containers: Containers,
  { isOut, isJob }: { readonly isOut: boolean; readonly isJob: boolean },
): readonly Op[] {
  const name = service.containerName;
  const lineup = lineupOf(name, containers);
  const { current, next, previous } = lineup;
  const cause = 'left half way by an earlier run';
  const id = { service: service.name, cause };
  const ops: Op[] = [];
  // A job does its work once: whether it must be done again is for the plan to say.
  const canRestart = (container: Container): boolean => !isJob && canStart(service, container, containers);

  const neverStarted = current !== undefined && current.state.status === 'created';
  if (previous !== undefined && (current === undefined || neverStarted)) {
    if (current !== undefined) ops.push({ ...id, kind: 'remove', container: name });
    ops.push({ ...id, kind: 'rename', container: previousName(name), to: name });
    if (canRestart(previous)) ops.push(...restart(service, { parked: previous, lineup, cause }));
  } else if (current !== undefined && next !== undefined && !current.state.running) {
    // Stopped, with its successor waiting: the run ended between the two.
    if (canRestart(current)) ops.push(...restart(service, { parked: current, lineup, cause }));
  } else if (
    current !== undefined &&
    isOut &&
    mayBeStopping(service, current, next !== undefined) &&
    canRestart(current)
  ) {
    ops.push({ ...id, kind: 'stop', container: name, graceMs: service.stopGraceMs });
    ops.push(...restart(service, { parked: current, lineup, cause }));
  }
  if (next !== undefined) ops.push({ ...id, kind: 'remove', container: nextName(name) });
  return ops;
}

/**
 * A stop outlives the run that asked for it: docker ends the container when its grace is over, and it would end under
 * the requests that it had been let in for. It shows by the policy that is set before a stop, or, for a service that
 * has no policy, by the successor that waits. Only on a node that is out of rotation.
 */
function mayBeStopping(service: Service, { state, restartPolicy }: Container, hasNext: boolean): boolean {
  if (!state.running) return false;
  return restartPolicyOf(service) === 'no' ? hasNext : restartPolicy.name === 'no';
}

/** Its own policy was replaced by `no`: what took its place tells it, and otherwise it gets the one that the service has now. */
function restart(
  service: Service,
  {
    parked,
    lineup,
    cause,
  }: { readonly parked: Container | undefined; readonly lineup: Lineup; readonly cause: string },
): readonly Op[] {
  const id = { service: service.name, cause, container: service.containerName };
  const own = parked === undefined ? undefined : policyBefore(parked, lineup);
  return [
    { ...id, kind: 'set_restart', policy: own ?? restartPolicyOf(service) },
    { ...id, kind: 'start' },
  ];
}
