import pLimit from 'p-limit';
import { DockerError } from '../docker/errors.ts';
import { isAhead } from '../docker/names.ts';
import { createsAhead } from '../plan/ahead.ts';
import { LockedError } from '../ssh/lock.ts';
import { RemoteError } from '../ssh/remote.ts';
import type { RunContext } from './context.ts';
import type { Node, Tier } from './node.ts';
import { sweepFiles } from './sweep.ts';
import { removeAhead, WaitingContainers } from './waiting-containers.ts';

/** Hosts that create ahead at once: it is to be in nobody's way, at the controller as little as on a host. */
const atOnce = 4;

/**
 * What is done of a wave's updates while the wave before it is updated and judged: its containers are created, under
 * names of their own, and wait for their node's turn. None outlives the play; those of a run that was killed are removed
 * by the next one.
 */
export class Ahead {
  readonly #context: RunContext;
  readonly #waiting: { readonly node: Node; readonly waiting: WaitingContainers }[] = [];
  readonly #making: Promise<void>[] = [];
  readonly #limit = pLimit(atOnce);
  readonly #said = new Set<string>();
  #isOver = false;

  constructor(context: RunContext) {
    this.#context = context;
  }

  /** Begins with these nodes, each of which may come to its turn meanwhile; nothing is waited for. */
  begin(nodes: readonly Node[]): void {
    for (const node of nodes) {
      if (!node.hasAmpleRoom || node.result !== 'untouched' || node.waiting !== undefined) continue;
      if (createsAhead(node.plan).length === 0) continue;
      const waiting = (node.waiting = new WaitingContainers(node, this.#context));
      this.#waiting.push({ node, waiting });
      const making = this.#limit(() => this.#make(waiting, node));
      making.catch(() => undefined); // a bug, of which the end tells
      this.#making.push(making);
    }
  }

  /** Removes what nobody came for. What is left all the same is said, and is the next run's to remove. */
  async end(): Promise<void> {
    this.#isOver = true;
    const message = 'what was created ahead of its turn to be removed';
    using _wait = this.#context.heartbeat.wait(undefined, { message, limitMs: 0 });
    const limit = pLimit(this.#context.forks);
    await Promise.all(
      this.#waiting.map(({ node, waiting }) =>
        limit(async () => {
          const gone = await waiting.removeLeft();
          if (gone.length > 0) await sweepFiles(node, gone, this.#context);
        }),
      ),
    );
    await Promise.all(this.#making);
  }

  async #make(waiting: WaitingContainers, { name }: Node): Promise<void> {
    const { interrupt } = this.#context;
    if (this.#isOver || interrupt.isRequested || interrupt.now.aborted) return;
    try {
      await waiting.make();
    } catch (error) {
      // Whatever ails the connection shows when its turn comes.
      if (error instanceof RemoteError || error instanceof LockedError) return;
      if (!(error instanceof DockerError)) throw error;
      this.#warn(name, error.message);
    }
  }

  /** What fails alike on many hosts is said once. */
  #warn(host: string, message: string): void {
    if (this.#said.has(message)) return;
    this.#said.add(message);
    const text = `its next container cannot be created yet; that is tried again when its turn comes: ${message}`;
    this.#context.emit({ type: 'warning', host, message: text });
  }
}

/** Containers that a run which was cut off has created ahead of their turn; whatever plays the host is in. */
export async function sweepAhead(tiers: readonly Tier[], context: RunContext): Promise<void> {
  const sessions = new Set(tiers.flatMap(({ nodes }) => nodes).map(({ session }) => session));
  await Promise.all(
    [...sessions].map(async (session) => {
      for (const name of session.containerNames.filter(isAhead)) await removeAhead(session, name, name, context);
    }),
  );
}
