import type { LoadedPlaybook } from '../config/load.ts';
import { within, type Clock } from '../model/clock.ts';
import type { Host } from '../model/host.ts';
import type { Connector } from '../ssh/connect.ts';
import type { LockHolder } from '../ssh/lock.ts';
import type { RunContext } from './context.ts';
import type { ImageResolver } from './images.ts';
import type { Tier } from './node.ts';
import { preflight, type PreflightInput } from './preflight.ts';
import { HostSession } from './session.ts';

/** What every command that connects hands to the engine. */
export interface FleetInput {
  readonly playbook: LoadedPlaybook;
  readonly connector: Connector;
  readonly images: ImageResolver;
  readonly holder: LockHolder;
}

/** Preflight, the work, and everything closed again, however it ends. */
export async function withFleet<T>(
  input: FleetInput,
  options: Pick<PreflightInput, 'lockTimeoutMs' | 'resolvesImages'> & Partial<Pick<PreflightInput, 'isFinished'>>,
  context: RunContext,
  work: (tiers: readonly Tier[]) => Promise<T>,
): Promise<T> {
  const sessions = new Sessions(input, context.clock);
  let tiers: readonly Tier[] = [];
  try {
    const connect = (host: Host): Promise<HostSession> => sessions.open(host);
    tiers = await preflight({ isFinished: () => false, ...input, ...options, connect }, context);
    const nodes = tiers.flatMap((tier) => tier.nodes);
    if (options.lockTimeoutMs !== undefined)
      context.notes?.attach(new Map(nodes.map(({ name, session }) => [name, session])));
    return await work(tiers);
  } finally {
    for (const { watch } of tiers) watch?.close();
    await sessions.close();
  }
}

const closeLimitMs = 3000;

/** One session a host, however many plays it is in. */
export class Sessions {
  readonly #input: FleetInput;
  readonly #clock: Clock;
  readonly #open = new Map<string, Promise<HostSession>>();

  constructor(input: FleetInput, clock: Clock) {
    this.#input = input;
    this.#clock = clock;
  }

  open(host: Host): Promise<HostSession> {
    let session = this.#open.get(host.name);
    if (session === undefined) {
      session = HostSession.open(host, this.#input.connector, this.#input.holder, this.#clock);
      this.#open.set(host.name, session);
    }
    return session;
  }

  /** The next time it is wanted it is connected anew. */
  forget(host: Host): void {
    this.#open.delete(host.name);
  }

  /** Within seconds, whatever hosts do: one that is still being connected is given up. */
  async close(): Promise<void> {
    const closing = [...this.#open.values()].map((session) =>
      session.then(
        (opened) => opened.close(),
        () => undefined,
      ),
    );
    await within(this.#clock, closeLimitMs, Promise.all(closing));
    await this.#input.connector.close();
  }
}
