import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { Counters } from './counters.ts';
import { ServerHealth, type CheckPolicy } from './server-health.ts';

/** How the balancer reaches one server. */
export interface ServerTarget {
  readonly name: string;
  /** @throws when the connection is refused. */
  connect(): Promise<Socket>;
  /** What a health check hears just now. */
  check(): CheckAnswer;
}

/** An HTTP status, a refused connection, or nothing at all. Checks cost no socket, so that thousands are cheap. */
export type CheckAnswer = number | 'refused' | 'silent';

const idleConnections = 8;

/** A server of the backend: its health, its counters and its idle connections. */
export class BackendServer {
  readonly target: ServerTarget;
  readonly agent: Agent;
  health: ServerHealth;
  counters = new Counters();
  /** 0 gets no new requests. */
  weight = 1;
  /** Gets requests only while every other server is down; of the configuration, which a reload reads again. */
  isBackup = false;

  constructor(target: ServerTarget, policy: CheckPolicy, nowMs: number) {
    this.target = target;
    this.health = new ServerHealth(policy, nowMs);
    this.agent = new DialingAgent(target);
  }

  /** As HAProxy's successor process after a reload: nothing is remembered. */
  forget(policy: CheckPolicy, nowMs: number): void {
    this.health = new ServerHealth(policy, nowMs);
    this.counters = new Counters();
    this.weight = 1;
  }
}

class DialingAgent extends Agent {
  readonly #target: ServerTarget;

  constructor(target: ServerTarget) {
    super({ keepAlive: true, maxFreeSockets: idleConnections });
    this.#target = target;
  }

  override createConnection(_options: object, done?: (error: Error | null, stream: Duplex) => void): undefined {
    this.#target.connect().then(
      (socket) => {
        const settle = (error: Error | null) => {
          socket.off('connect', connected).off('error', settle);
          done?.(error, socket);
        };
        const connected = () => settle(null);
        socket.once('connect', connected).once('error', settle);
      },
      // With an error node's callback takes no stream, which its type does not say.
      (error: unknown) => done?.(error as Error, undefined as unknown as Duplex),
    );
  }
}
