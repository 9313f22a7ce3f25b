import type { Container } from '../docker/observed.ts';
import { assertNever } from '../model/assert-never.ts';
import type { Op } from './plan.ts';
import { parsePolicy } from './restart-policy.ts';

type Containers = ReadonlyMap<string, Container>;

/** The containers as docker will have them after ops that only need what is there: what follows a heal is planned on this. */
export function afterOps(containers: Containers, ops: readonly Op[]): Containers {
  const after = new Map(containers);
  for (const op of ops) {
    switch (op.kind) {
      case 'remove':
        after.delete(op.container);
        break;
      case 'rename': {
        const container = after.get(op.container);
        if (container === undefined) break;
        after.delete(op.container);
        after.set(op.to, { ...container, name: op.to });
        break;
      }
      case 'start':
      case 'unpause':
      case 'stop':
        change(after, op.container, (container) => withRunning(container, op.kind !== 'stop'));
        break;
      case 'set_restart':
        change(after, op.container, (container) => withPolicy(container, op.policy));
        break;
      case 'drain':
        change(after, op.container, (container) => withPolicy(withRunning(container, false), 'no'));
        break;
      case 'admit':
        change(after, op.container, (container) => withPolicy(withRunning(container, true), op.policy));
        break;
      // These change no container that is there in a way that a plan looks at.
      case 'create':
      case 'update':
      case 'pull':
      case 'create_network':
      case 'create_volume':
      case 'await':
      case 'verify':
      case 'settle':
      case 'task':
        break;
      default:
        assertNever(op);
    }
  }
  return after;
}

function change(
  containers: Map<string, Container>,
  name: string | undefined,
  edit: (container: Container) => Container,
): void {
  const container = name === undefined ? undefined : containers.get(name);
  if (container !== undefined) containers.set(container.name, edit(container));
}

function withRunning(container: Container, running: boolean): Container {
  return { ...container, state: { ...container.state, running, status: running ? 'running' : 'exited' } };
}

function withPolicy(container: Container, policy: string): Container {
  const { name, maximumRetryCount } = parsePolicy(policy);
  const { HostConfig } = container.inspect;
  const hostConfig = typeof HostConfig === 'object' ? HostConfig : {};
  return {
    ...container,
    restartPolicy: { name, maximumRetryCount },
    // Differences are found in the document, as docker printed it.
    inspect: {
      ...container.inspect,
      HostConfig: { ...hostConfig, RestartPolicy: { Name: name, MaximumRetryCount: maximumRetryCount } },
    },
  };
}
