import { DockerError } from '../docker/errors.ts';
import { specHash } from '../docker/hash.ts';
import { aheadName } from '../docker/names.ts';
import { renameStep } from '../docker/steps.ts';
import { createsAhead } from '../plan/ahead.ts';
import type { Service } from '../model/service.ts';
import type { NodePlan, Op } from '../plan/plan.ts';
import { withCarried } from '../plan/volumes.ts';
import { LockedError } from '../ssh/lock.ts';
import { RemoteError } from '../ssh/remote.ts';
import type { RunContext } from './context.ts';
import type { HostSession } from './session.ts';

type Create = Extract<Op, { kind: 'create' }>;

interface Made {
  readonly id: string;
  readonly service: Service;
  /** What it was made from; undefined where its creation has not ended well. */
  readonly recipe: string | undefined;
}

/** The node that they are for. */
interface Owner {
  readonly session: HostSession;
  readonly plan: NodePlan;
  labelsFor(op: Create, context: RunContext): Readonly<Record<string, string>>;
}

/** Containers of one node that were created before its turn, and are taken when it comes or removed when it does not. */
export class WaitingContainers {
  readonly #node: Owner;
  readonly #context: RunContext;
  /** By the names that they are to get. */
  readonly #made = new Map<string, Made>();
  #making: Promise<void> = Promise.resolve();
  /** Its turn has come, or the play has ended: nothing more is made. */
  #isClosed = false;

  constructor(node: Owner, context: RunContext) {
    this.#node = node;
    this.#context = context;
  }

  /** Creates what its plan, as it is now, lets it. @throws DockerError, RemoteError, LockedError */
  make(): Promise<void> {
    const making = this.#make();
    // Whoever waits for it wants to know that it has ended, and not how.
    this.#making = making.catch(() => undefined);
    return making;
  }

  /**
   * Gives the one that waits for an op its name. Resolves to false where there is none, or another one than is wanted by
   * now: that one is gone then. @throws RemoteError, LockedError
   */
  async take(op: Create, labels: Readonly<Record<string, string>>): Promise<boolean> {
    this.#isClosed = true;
    await this.#making;
    const made = this.#made.get(op.container);
    if (made === undefined) return false;
    if (made.recipe === recipeOf(op, labels) && (await this.#rename(made, op.container))) return true;
    await this.#remove(op.container, made);
    return false;
  }

  /** Removes those that nobody has taken; said where that cannot be. Resolves to the services whose containers are gone. */
  async removeLeft(): Promise<readonly Service[]> {
    this.#isClosed = true;
    await this.#making;
    const gone: Service[] = [];
    for (const [container, made] of this.#made) {
      if (this.#context.interrupt.now.aborted) break;
      if (await this.#remove(container, made)) gone.push(made.service);
    }
    return gone;
  }

  async #make(): Promise<void> {
    const { session } = this.#node;
    for (const op of createsAhead(this.#node.plan)) {
      if (this.#isClosed || this.#context.interrupt.isRequested) return;
      await session.assertLocked();
      const labels = this.#node.labelsFor(op, this.#context);
      const name = aheadName(op.container);
      // Until docker has answered nobody knows whether it is there: whoever comes removes it by its name.
      this.#made.set(op.container, { id: name, service: op.service, recipe: undefined });
      const id = await session.docker.createAhead(withCarried(op.service, op.carried), name, labels);
      this.#made.set(op.container, { id, service: op.service, recipe: recipeOf(op, labels) });
    }
  }

  /** By its id: its name is nobody's promise. */
  async #rename({ id }: Made, container: string): Promise<boolean> {
    try {
      await this.#node.session.docker.carryOut([renameStep(id, container)]);
    } catch (error) {
      // Somebody has removed it, or docker refuses: it is created as if it had never been there.
      if (error instanceof DockerError) return false;
      throw error;
    }
    this.#made.delete(container);
    return true;
  }

  async #remove(container: string, { id }: Made): Promise<boolean> {
    const isGone = await removeAhead(this.#node.session, id, aheadName(container), this.#context);
    if (isGone) this.#made.delete(container);
    return isGone;
  }
}

/** Two ops of the same recipe make the same container. */
function recipeOf({ service, container, carried = [] }: Create, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([container, specHash(service), carried, Object.entries(labels).sort()]);
}

/** Resolves to whether it is gone; said where it is not. */
export async function removeAhead(
  session: HostSession,
  reference: string,
  name: string,
  context: RunContext,
): Promise<boolean> {
  try {
    await session.assertLocked();
    await session.docker.removeUnstarted(reference);
    return true;
  } catch (error) {
    if (context.interrupt.now.aborted) return false;
    if (!(error instanceof DockerError || error instanceof RemoteError || error instanceof LockedError)) throw error;
    const message = `${name}, which was created ahead of its turn, could not be removed: ${error.message}; the next run removes it`;
    context.emit({ type: 'warning', host: session.host.name, message });
    return false;
  }
}
