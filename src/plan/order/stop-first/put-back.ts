import { revertLive } from '../../../docker/diff.ts';
import { compareSpecHash } from '../../../docker/hash.ts';
import { labels, previousName } from '../../../docker/names.ts';
import type { Container } from '../../../docker/observed.ts';
import { formatImageRef } from '../../../model/image.ts';
import type { Service } from '../../../model/service.ts';
import { boundId, sharingOf } from '../../../service/shared.ts';
import { afterOps } from '../../after-ops.ts';
import { isHalfRemoved, isOurs } from '../../containers.ts';
import { jobsOf } from '../../dependencies.ts';
import { formerGateOf } from '../../former-gate.ts';
import type { Op } from '../../plan.ts';
import { parsePolicy, policyOf } from '../../restart-policy.ts';
import { sharedContainers } from '../../sharing.ts';
import { withoutProbe } from '../../unprobed.ts';
import type { Containers, PutBack, WayBack } from '../order.ts';
import { lineupOf, namesOf, policyBefore } from './lineup.ts';

/**
 * The way back: from whatever a host runs now to the containers that it ran before, told apart by their ids.
 * Works from any point of an update, also from none and from all of it.
 */
export function planRestore(input: PutBack): WayBack {
  const { services, before, now, cause, server } = input;
  const gate = services.find(({ name }) => name === input.gate);
  const jobs = jobsOf(services);
  const formerGate = formerGateOf(gate, services, before);
  const goneOrphans = [...before.values()].filter((container) => isGoneOrphan(container, services, now));
  const isFormerGone = formerGate !== undefined && goneOrphans.includes(formerGate);
  // What the play no longer named cannot come back, and then what stands in its place is all that there is.
  const lostOrphans = goneOrphans.filter((container) => container !== formerGate);
  const stays = (service: Service): boolean => lostOrphans.length > 0 || (service === gate && isFormerGone);
  const steps = services.map((service) =>
    restoreService(service, before, now, {
      cause,
      isGate: service === gate,
      isJob: jobs.has(service.name),
      isNewKept: stays(service),
    }),
  );
  const orphans = [...before.values()].filter(
    (container) => container !== formerGate && isStoppedOrphan(container, services, now),
  );
  const gone = [
    ...steps.flatMap(({ lost }) => lost),
    ...lostOrphans.map(({ name, labels: of }) => of[labels.service] ?? name),
  ];
  const remade = gate !== undefined && gone.every((name) => name === gate.name) ? remakeGate(gate, input) : undefined;
  const ops = [
    ...steps.flatMap(({ ops }) => ops),
    ...orphans.map(({ name }): Op => ({ kind: 'start', service: name, container: name, cause })),
    ...(remade === undefined ? [] : [remade]),
  ];
  const lost = remade === undefined ? gone : [];
  // The container that lets the node in again.
  const gateName = formerGate === undefined || isFormerGone ? gate?.containerName : formerGate.name;
  const wasIn = gate === undefined || (formerGate ?? before.get(gate.containerName))?.state.running === true;
  const isIn = gateName === undefined || now.get(gateName)?.state.running === true;
  const isNewIn = gate !== undefined && now.get(gate.containerName)?.state.running === true;
  // A job serves nobody.
  const isInterrupting = ops.some(
    (op) => (op.kind === 'start' || op.kind === 'stop' || op.kind === 'rename') && !jobs.has(op.service),
  );
  if (!isInterrupting && isIn === wasIn) return { ops: [...ops, ...policyOfGate(gate, before, now, cause)], lost };

  const after = afterOps(now, ops);
  const admit: readonly Op[] = wasIn
    ? [
        {
          kind: 'admit',
          container: gateName,
          policy: policyOf(before.get(gateName ?? '') ?? now.get(gateName ?? '')),
          server,
          cause,
        },
      ]
    : [];
  return {
    lost,
    ops: [
      ...(isInterrupting || (formerGate !== undefined && isNewIn)
        ? [
            {
              kind: 'drain',
              container: isNewIn ? gate.containerName : isIn ? gateName : undefined,
              server,
              cause,
            } as const,
          ]
        : []),
      ...ops,
      ...services
        .filter(
          (service) =>
            service !== gate && !jobs.has(service.name) && after.get(service.containerName)?.state.running === true,
        )
        .map((service): Op => ({
          kind: 'verify',
          service: withoutProbe(service),
          container: service.containerName,
          cause,
        })),
      ...(lost.length === 0 ? admit : []),
    ],
  };
}

/**
 * A gate stands still while its node is out, and a `docker container prune` takes it away then. One that the play has not
 * changed is made anew: it is the only way in for a node that serves what it served.
 */
function remakeGate(gate: Service, { before, now, cause }: PutBack): Op | undefined {
  const { name, containerName, image, spec } = gate;
  const was = before.get(containerName);
  const isThere = [...now.values()].some(({ id, name: each }) => id === was?.id || each === containerName);
  if (was === undefined || isThere || sharingOf(spec).length > 0) return undefined;
  const hash = compareSpecHash(gate, was.labels[labels.specHash]);
  const isSame = hash?.sameFixed === true && hash.sameMutable && was.labels[labels.image] === formatImageRef(image);
  if (!isOurs(was) || !isSame) return undefined;
  return { kind: 'create', service: gate, container: containerName, cause: `${name} was removed meanwhile; ${cause}` };
}

/** Changed live, in a node that has not left rotation: otherwise admitting it gives the gate its policy. */
function policyOfGate(gate: Service | undefined, before: Containers, now: Containers, cause: string): readonly Op[] {
  const was = gate && before.get(gate.containerName);
  const is = gate && now.get(gate.containerName);
  const policy = policyOf(was);
  if (gate === undefined || was?.id !== is?.id || policyOf(is) === policy) return [];
  return [{ kind: 'set_restart', service: gate.name, container: gate.containerName, policy, cause }];
}

/**
 * For a rollback without a run in memory: what would be "before" if the parked containers came back, those of `going`
 * alone where it is given.
 */
export function parkedContainers(
  services: readonly Service[],
  now: Containers,
  going: ReadonlySet<Service> = new Set(services),
): Containers {
  const before = new Map(now);
  const jobs = jobsOf(services);
  for (const service of going) {
    const { containerName: name } = service;
    const lineup = lineupOf(name, now);
    const { current, previous } = lineup;
    if (previous === undefined || isHalfRemoved(previous)) continue;
    const policy = policyBefore(previous, lineup);
    before.delete(previousName(name));
    before.set(name, {
      ...previous,
      name,
      // A job has done its work, and does not do it again.
      ...(jobs.has(service.name) ? {} : { state: { ...previous.state, running: true, status: 'running' } }),
      restartPolicy: policy === undefined ? (current?.restartPolicy ?? previous.restartPolicy) : parsePolicy(policy),
    });
  }
  return withSharersTogether(services, before, now);
}

/** A container whose network another one shares goes back only if that one goes with it: it could not start otherwise. */
function withSharersTogether(services: readonly Service[], before: Containers, now: Containers): Containers {
  const together = new Map(before);
  for (const { containerName, spec } of services) {
    for (const { key, container } of sharingOf(spec)) {
      const sharer = together.get(containerName);
      const bound = sharer && boundId(sharer.inspect, key);
      const current = now.get(container);
      if (bound === undefined || current?.id !== bound || together.get(container)?.id === bound) continue;
      together.set(container, current);
      const { previous: parked } = lineupOf(container, now);
      if (parked !== undefined) together.set(parked.name, parked);
    }
  }
  return together;
}

function restoreService(
  service: Service,
  before: Containers,
  now: Containers,
  { cause, isGate, isJob, isNewKept }: { cause: string; isGate: boolean; isJob: boolean; isNewKept: boolean },
): { readonly ops: readonly Op[]; readonly lost: readonly string[] } {
  const name = service.containerName;
  const id = { service: service.name, cause };
  const was = before.get(name);
  const { current, next } = lineupOf(name, now);
  const ops: Op[] = [];
  if (next !== undefined) ops.push({ ...id, kind: 'remove', container: next.name });
  if (was === undefined) {
    // Somebody else may have taken the name since.
    if (isOurs(current) && !isNewKept) ops.push({ ...id, kind: 'remove', container: name });
    return { ops, lost: [] };
  }

  const found = [...now.values()].find((container) => container.id === was.id && !isHalfRemoved(container));
  if (found === undefined) return { ops, lost: [service.name] };
  if (found.name !== name) {
    if (current !== undefined) {
      if (current.state.running) {
        // Told by its policy, a stop that this run did not see the end of is not taken for a container that serves.
        ops.push({ ...id, kind: 'set_restart', container: name, policy: 'no' });
        ops.push({ ...id, kind: 'stop', container: name, graceMs: service.stopGraceMs });
      }
      ops.push({ ...id, kind: 'remove', container: name });
    }
    ops.push({ ...id, kind: 'rename', container: found.name, to: name });
  }
  // Somebody has paused it by hand meanwhile: docker would not start it, and it serves nobody.
  if (!isGate && found.state.status === 'paused') ops.push({ ...id, kind: 'unpause', container: name });
  const args = revertLive(was, found);
  if (args.length > 0) ops.push({ ...id, kind: 'update', container: name, args });
  const policy = policyOf(was);
  if (!isGate && policyOf(found) !== policy) ops.push({ ...id, kind: 'set_restart', container: name, policy });
  if (!isGate && !isJob && was.state.running && !found.state.running)
    ops.push({ ...id, kind: 'start', container: name });
  return { ops, lost: [] };
}

/** An orphan that the run stopped and had not yet removed. */
function isStoppedOrphan(container: Container, services: readonly Service[], now: Containers): boolean {
  return isOrphan(container, services) && container.state.running && now.get(container.name)?.state.running === false;
}

/** An orphan that the run removed, though it served. */
function isGoneOrphan(container: Container, services: readonly Service[], now: Containers): boolean {
  const isThere = now.has(container.name) || [...now.values()].some(({ id }) => id === container.id);
  return isOrphan(container, services) && isOurs(container) && container.state.running && !isThere;
}

function isOrphan({ name }: Container, services: readonly Service[]): boolean {
  return !sharedContainers(services).includes(name) && services.every((service) => !namesOf(service).includes(name));
}
