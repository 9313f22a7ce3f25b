import { DockerError } from '../docker/errors.ts';
import type { Container } from '../docker/observed.ts';
import type { Op } from '../plan/plan.ts';
import { namesToReadBack } from '../plan/read-back.ts';
import { RemoteError } from '../ssh/remote.ts';
import { isAbsence } from './absence.ts';
import type { RunContext } from './context.ts';
import type { Node } from './node.ts';
import { readBack } from './read-back.ts';

/** What a node's ops have done that has not been looked at yet: a look is a docker process, and one can see to several. */
export class Sight {
  readonly #node: Node;
  readonly #context: RunContext;
  #unseen: readonly Op[] = [];
  #latest: ReadonlyMap<string, Container> | undefined;

  constructor(node: Node, context: RunContext) {
    this.#node = node;
    this.#context = context;
  }

  get unseen(): readonly Op[] {
    return this.#unseen;
  }

  /** They have ended, and are looked at later. */
  leave(ops: readonly Op[]): void {
    this.#unseen = [...this.#unseen, ...ops];
    this.#latest = undefined;
  }

  /** The host has been read again since: what was done is known, and may be undone. */
  forget(): void {
    this.#unseen = [];
    this.#latest = undefined;
  }

  /** Looks at all that is left, or judges `found`. @throws OpError for the first that has not come true */
  async look(found?: ReadonlyMap<string, Container>): Promise<void> {
    const ops = this.#unseen;
    if (ops.length === 0) return;
    this.forget();
    await readBack(ops, this.#node, this.#context, found);
    this.#latest = found;
  }

  /** A container as it was seen right after the last op, if it was. */
  takeLatest(name: string): Container | undefined {
    const found = this.#latest?.get(name);
    this.#latest = undefined;
    return found;
  }

  /**
   * A step was refused after `done`: that may be for want of what one before it only claimed to have done, and then that
   * one has failed. @throws OpError for it
   */
  async blame(error: unknown, done: readonly Op[]): Promise<void> {
    this.leave(done);
    // A host or a daemon that is away is read again in any case.
    if (!(error instanceof DockerError) || isAbsence(error)) return;
    const found = await this.#lookAgain();
    if (found !== undefined) await this.look(found);
  }

  /** Undefined where it cannot be looked at now: what docker has said stands then. */
  async #lookAgain(): Promise<ReadonlyMap<string, Container> | undefined> {
    try {
      return await this.#node.session.docker.inspect(namesToReadBack(this.#unseen));
    } catch (error) {
      if (error instanceof DockerError || error instanceof RemoteError) return undefined;
      throw error;
    }
  }
}
