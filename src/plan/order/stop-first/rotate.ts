import { summarize } from '../../cause.ts';
import { formerGateOf } from '../../former-gate.ts';
import type { Op } from '../../plan.ts';
import { restartPolicyOf } from '../../restart-policy.ts';
import { completion } from '../../role.ts';
import type { Rotation } from '../order.ts';

/** Drain, the given ops, verify what they started, admit. The gate starts with admit, never before. */
export function rotation(input: Rotation): readonly Op[] {
  const { services, containers, changes, jobs, beside, ops, context } = input;
  const { server } = input.desired;
  const gateService = services.find(({ name }) => name === context.gate);
  const gate = gateService?.containerName;
  const cause =
    changes
      .filter(({ kind }) => kind !== 'orphan' && kind !== 'update')
      .map(summarize)
      .join('; ') || 'tasks';
  const causes = new Map(changes.map((change) => [change.service, change.cause]));
  const started = new Set(ops.flatMap((op) => (op.kind === 'start' ? [op.service] : [])));
  const isGateThere = gate !== undefined && containers.get(gate)?.state.running === true;
  // One whose name the play has changed lets the node in until then; it is among those that are stopped for good.
  const former = formerGateOf(gateService, services, containers)?.name;
  const isFormerStopped = ops.some((op) => op.kind === 'stop' && op.container === former);
  return [
    { kind: 'drain', container: isGateThere ? gate : isFormerStopped ? former : undefined, server, cause },
    ...beside,
    ...ops,
    ...services
      .filter(({ name }) => started.has(name))
      .map((service): Op => {
        const cause = causes.get(service.name) ?? 'started';
        return jobs.has(service.name)
          ? completion(service, cause)
          : { kind: 'verify', service, container: service.containerName, cause };
      }),
    {
      kind: 'admit',
      container: gate,
      policy: gateService === undefined ? 'no' : restartPolicyOf(gateService),
      server,
      cause: 'verified',
    },
  ];
}
