import pLimit from 'p-limit';
import type { Connection } from './connection.ts';
import { describeServer } from './host-key.ts';
import { RemoteError } from './remote.ts';
import type { Target } from './target.ts';

/** sshd's MaxStartups drops handshakes at random from the tenth on; a jump host's own sshd counts those it lets through. */
const maxHandshakesThroughOne = 8;

interface JumpHost {
  readonly connection: Promise<Connection>;
  readonly limit: ReturnType<typeof pLimit>;
}

/** One connection to each jump host, shared by everything behind it, until the run closes. */
export class JumpHosts {
  readonly #hosts = new Map<string, JumpHost>();
  readonly #open: (host: string, target: Target) => Promise<Connection>;

  /** `open` may come back here for a jump host behind another one. */
  constructor(open: (host: string, target: Target) => Promise<Connection>) {
    this.#open = open;
  }

  /** Runs a handshake through a jump host, when it is its turn. @throws RemoteError when the jump host cannot be reached. */
  async through<T>(host: string, target: Target, handshake: (jump: Connection) => Promise<T>): Promise<T> {
    const jump = this.#get(host, target);
    const connection = await jump.connection.catch((error: unknown) => {
      throw behindJumpHost(host, target, error);
    });
    return jump.limit(() => handshake(connection));
  }

  async close(): Promise<void> {
    const jumps = [...this.#hosts.values()];
    this.#hosts.clear();
    await Promise.all(jumps.map(async ({ connection }) => (await connection.catch(() => undefined))?.close()));
  }

  #get(host: string, target: Target): JumpHost {
    const key = JSON.stringify(target);
    const existing = this.#hosts.get(key);
    if (existing !== undefined) return existing;
    const connection = this.#open(host, target);
    const jump: JumpHost = { connection, limit: pLimit(maxHandshakesThroughOne) };
    this.#hosts.set(key, jump);
    const forget = (): void => {
      if (this.#hosts.get(key) === jump) this.#hosts.delete(key);
    };
    // Lost or never reached: who comes next tries anew. The hosts behind it notice by themselves.
    connection.then(({ ended }) => ended).then(forget, forget);
    return jump;
  }
}

/** All hosts behind a jump host share its failure, each under its own name. */
function behindJumpHost(host: string, target: Target, error: unknown): unknown {
  if (!(error instanceof RemoteError)) return error;
  return new RemoteError(host, error.kind, `jump host ${target.user}@${describeServer(target)}: ${error.message}`, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
