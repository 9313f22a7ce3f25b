import { LockedError, type LockHolder } from '../ssh/lock.ts';
import { RemoteError } from '../ssh/remote.ts';
import type { RunContext } from './context.ts';
import type { HostSession } from './session.ts';

/** What it takes of a host. */
type Lockable = Pick<HostSession, 'host' | 'lock' | 'unlock' | 'goOn'>;

/** How long the older of two runs waits for the other one to see that it has to give way. */
const giveWayLimitMs = 60_000;
/** How long it waits for one that has not said who it is: on a busy host a run that has just come may take a moment to. */
const unnamedLimitMs = 3000;
const firstAskAgainMs = 100;
const lastAskAgainMs = 2000;

/**
 * How a run takes its hosts' locks, so that of several runs that want the same hosts, or some of the same, one goes on.
 *
 * All locks are asked for at once, so each of two runs may hold what the other lacks. Then the younger gives everything
 * back, and the older waits for that (wait-die: nobody ever waits for an older one while it holds something, so there is
 * no circle). Once a run has all its hosts it says so on each of them, and nobody waits for it but with
 * `--lock-timeout`, and holding nothing.
 */
export class LockTurn {
  readonly #holder: LockHolder;
  readonly #context: RunContext;
  readonly #endsMs: number;
  readonly #held = new Set<Lockable>();
  /** Where it gave way. */
  #lostAt: { readonly session: Lockable; readonly error: LockedError } | undefined;
  #isAgain = false;

  constructor(holder: LockHolder, lockTimeoutMs: number, context: RunContext) {
    this.#holder = holder;
    this.#context = context;
    this.#endsMs = context.clock.now() + lockTimeoutMs;
  }

  /** The hosts are gone through once more. */
  get isAgain(): boolean {
    return this.#isAgain;
  }

  /**
   * False where this run has given way meanwhile: the host is another run's, and not to be read.
   * @throws LockedError where another run has the host
   */
  async take(session: Lockable): Promise<boolean> {
    const { clock, interrupt } = this.#context;
    const startedMs = clock.now();
    for (
      let askAgainMs = firstAskAgainMs;
      !this.#hasGivenWay();
      askAgainMs = Math.min(askAgainMs * 2, lastAskAgainMs)
    ) {
      try {
        await session.lock(0);
        if (!this.#hasGivenWay()) {
          this.#held.add(session);
          return true;
        }
        // Given back too: another host has been lost meanwhile.
        await session.unlock();
        return false;
      } catch (error) {
        if (!(error instanceof LockedError)) throw error;
        const limitMs = error.isUnnamed ? unnamedLimitMs : this.#isOlderThan(error) ? giveWayLimitMs : 0;
        if (error.isGoingOn || clock.now() >= startedMs + limitMs) {
          await this.#giveWay(session, error);
          throw error;
        }
        await clock.sleep(askAgainMs, interrupt.soon);
      }
    }
    return false;
  }

  /** Every host that could be had is locked: from here on nobody need wait for this run to give way. */
  async goOn(): Promise<void> {
    await Promise.all([...this.#held].map((session) => session.goOn()));
  }

  /**
   * After it has given way: waits for the host that it lacked, as long as `--lock-timeout` allows, holding no other.
   * @returns whether to go through the hosts once more: what was read of them may be old by now
   */
  async mayTryAgain(): Promise<boolean> {
    const lost = this.#lostAt;
    const leftMs = this.#endsMs - this.#context.clock.now();
    if (lost === undefined || leftMs <= 0) return false;
    const { session, error } = lost;
    const message = `${session.host.name}, which is locked by ${error.holder}`;
    using _wait = this.#context.heartbeat.wait(undefined, { message, limitMs: leftMs });
    const { soon } = this.#context.interrupt;
    try {
      await Promise.race([session.lock(leftMs), aborted(soon)]);
    } catch (failure) {
      // It is turned away by what it gave way to, however it heard of that in the end.
      if (failure instanceof LockedError || failure instanceof RemoteError) return false;
      throw failure;
    }
    this.#held.add(session);
    this.#lostAt = undefined;
    this.#isAgain = true;
    return true;
  }

  #hasGivenWay(): boolean {
    return this.#lostAt !== undefined;
  }

  /** Any order will do, as long as both come to the same: clocks of two controllers need not agree. */
  #isOlderThan({ since, run }: LockedError): boolean {
    if (since === undefined || run === undefined) return false;
    return this.#holder.since === since ? this.#holder.run < run : this.#holder.since < since;
  }

  async #giveWay(session: Lockable, error: LockedError): Promise<void> {
    this.#lostAt ??= { session, error };
    const held = [...this.#held];
    this.#held.clear();
    await Promise.all(held.map((each) => each.unlock()));
  }
}

/** Rejects with the signal's reason. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
