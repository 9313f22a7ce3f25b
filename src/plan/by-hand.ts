import type { Container } from '../docker/observed.ts';
import type { Service } from '../model/service.ts';
import type { ReplacementOrder } from './order/order.ts';
import type { Op } from './plan.ts';

/** What a person types in place of ops that could not be carried out; waiting and checking are left to him. */
export function typedByHand(ops: readonly Op[]): readonly (readonly string[])[] {
  // What a way back makes anew is for the next run to make.
  const missing = new Set(ops.flatMap((op) => (op.kind === 'create' ? [op.container] : [])));
  return ops.flatMap((op): readonly (readonly string[])[] => {
    switch (op.kind) {
      case 'remove':
        return [['docker', 'rm', '-f', op.container]];
      case 'rename':
        return [['docker', 'rename', op.container, op.to]];
      case 'set_restart':
        return [['docker', 'update', '--restart', op.policy, op.container]];
      case 'update':
        return [['docker', 'update', ...op.args, op.container]];
      case 'unpause':
        return [['docker', 'unpause', op.container]];
      case 'start':
        return [['docker', 'start', op.container]];
      case 'stop':
        return [['docker', 'stop', op.container]];
      case 'drain':
        return op.container === undefined ? [] : [['docker', 'stop', op.container]];
      case 'admit':
        return op.container === undefined || missing.has(op.container)
          ? []
          : [
              ['docker', 'update', '--restart', op.policy, op.container],
              ['docker', 'start', op.container],
            ];
      // A way back has no tasks.
      case 'create':
      case 'pull':
      case 'create_network':
      case 'create_volume':
      case 'task':
      case 'await':
      case 'verify':
      case 'settle':
        return [];
    }
  });
}

type Containers = ReadonlyMap<string, Container>;

/** `app: what ran before is app.previous, exited; health: exited, so the node is out of rotation`. */
export function describeWhereabouts(input: {
  readonly services: readonly Service[];
  readonly gate: string | undefined;
  readonly borrowedGate?: string | undefined;
  readonly order: Pick<ReplacementOrder, 'containerNames'>;
  readonly before: Containers;
  readonly now: Containers;
}): string {
  const { services, gate, borrowedGate, order, before, now } = input;
  const parts = services.flatMap((service) => {
    const { name, containerName } = service;
    const was = before.get(containerName);
    const old = was === undefined ? undefined : [...now.values()].find(({ id }) => id === was.id);
    if (name === gate && was?.state.running === true && old?.state.running === false)
      return [`${containerName} is ${old.state.status}, so the node is out of rotation`];
    if (was === undefined || (old !== undefined && isAsBefore(was, old))) return [];
    const others = order.containerNames(service).flatMap((each) => {
      const container = now.get(each);
      return container === undefined || container === old ? [] : [`${each} is the new one, ${container.state.status}`];
    });
    const whereOld =
      old === undefined
        ? `what ran before as ${containerName} is gone`
        : `what ran before as ${containerName} is ${old.name}, ${old.state.status}`;
    return [[whereOld, ...others].join(', ')];
  });
  return [...parts, ...borrowedWhereabouts(borrowedGate, before, now)].join('; ');
}

function borrowedWhereabouts(name: string | undefined, before: Containers, now: Containers): readonly string[] {
  if (name === undefined || before.get(name)?.state.running !== true) return [];
  const { state } = now.get(name) ?? {};
  return state?.running === true ? [] : [`${name} is ${state?.status ?? 'gone'}, so the node is out of rotation`];
}

function isAsBefore(was: Container, is: Container): boolean {
  return is.name === was.name && is.state.running === was.state.running;
}
