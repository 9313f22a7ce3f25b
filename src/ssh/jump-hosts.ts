import pLimit from 'p-limit';
import type { Client } from 'ssh2';
import { describeServer } from './host-key.ts';
import { RemoteError } from './remote.ts';
import type { Target } from './target.ts';

/** sshd's MaxStartups drops handshakes at random from the tenth on; a jump host's own sshd counts those it lets through. */
const maxHandshakesThroughOne = 8;

interface JumpHost {
  readonly client: Promise<Client>;
  readonly limit: ReturnType<typeof pLimit>;
}

/** One connection to each jump host, shared by everything behind it, until the run closes. */
export class JumpHosts {
  readonly #hosts = new Map<string, JumpHost>();
  readonly #open: (host: string, target: Target) => Promise<Client>;

  /** `open` may come back here for a jump host behind another one. */
  constructor(open: (host: string, target: Target) => Promise<Client>) {
    this.#open = open;
  }

  /** Runs a handshake through a jump host, when it is its turn. @throws RemoteError when the jump host cannot be reached. */
  async through<T>(host: string, target: Target, handshake: (jump: Client) => Promise<T>): Promise<T> {
    const jump = this.#get(host, target);
    const client = await jump.client.catch((error: unknown) => {
      throw behindJumpHost(host, target, error);
    });
    return jump.limit(() => handshake(client));
  }

  async close(): Promise<void> {
    const jumps = [...this.#hosts.values()];
    this.#hosts.clear();
    await Promise.all(
      jumps.map(async ({ client }) => {
        const open = await client.catch(() => undefined);
        if (open === undefined) return;
        const closed = new Promise<void>((resolve) => open.once('close', () => resolve()));
        open.end();
        await closed;
      }),
    );
  }

  #get(host: string, target: Target): JumpHost {
    const key = JSON.stringify(target);
    const existing = this.#hosts.get(key);
    if (existing !== undefined) return existing;
    const client = this.#open(host, target);
    const jump: JumpHost = { client, limit: pLimit(maxHandshakesThroughOne) };
    this.#hosts.set(key, jump);
    const forget = (): void => {
      if (this.#hosts.get(key) === jump) this.#hosts.delete(key);
    };
    // Lost or never reached: who comes next tries anew.
    client.then((open) => {
      // The hosts behind it notice by themselves; unhandled, this would end the process.
      open.on('error', () => undefined);
      open.once('close', forget);
    }, forget);
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
