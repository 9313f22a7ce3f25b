import { LockedError } from '../ssh/lock.ts';
import type { HostSession } from './session.ts';

/**
 * The order in which a run takes its hosts' locks: the first host's alone, then all others at once. Of two runs that
 * are started together on the same hosts, neither can then get a part of them: whoever has the first goes on, and the
 * other does not ask any further.
 */
export class LockTurn {
  readonly #first: string | undefined;
  readonly #others: Promise<'go on' | 'locked'>;
  #decide: (turn: 'go on' | 'locked') => void = () => undefined;

  constructor(first: string | undefined) {
    this.#first = first;
    this.#others = new Promise((resolve) => (this.#decide = resolve));
  }

  /** @throws LockedError where another run has the host; a host behind a locked first one is left unlocked. */
  async take(session: HostSession, waitMs: number): Promise<void> {
    if (session.host.name !== this.#first) {
      if ((await this.#others) === 'go on') await session.lock(waitMs);
      return;
    }
    try {
      await session.lock(waitMs);
    } catch (error) {
      if (error instanceof LockedError) this.#decide('locked');
      throw error;
    } finally {
      this.#decide('go on');
    }
  }

  /** The first host has no lock to give: it cannot be reached. */
  pass(host: string): void {
    if (host === this.#first) this.#decide('go on');
  }
}
