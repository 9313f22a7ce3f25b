import type * as z from 'zod';
import type { Secret } from '../model/secret.ts';
import type { credential } from '../schema/values.ts';
import type { HttpGet } from './http.ts';
import type { LoadBalancer } from './view.ts';

/**
 * A kind of load balancer: one file in kinds/ and one row in table.ts, all that rollout knows of it. The validator, the
 * JSON Schema and the manual take its schema; a node leaves and enters through the health container, which works with
 * every balancer that checks its servers.
 */
export interface BalancerKind {
  readonly type: string;
  /** A strict mapping whose `type` is a literal. Keys `via`, `server` and `port` are settled for every kind alike. */
  readonly schema: z.ZodObject;
  /** It is read with what the connection fetches pages with. */
  readonly fetches?: true;
  /** What the playbook says, as the kind wants to have it. `written` has passed the schema. */
  settle(written: object, scope: BalancerScope): object;
  /** What makes every server be asked for alike, where something does: with several nodes none of them could be told. */
  readonly asksAlike?: (settings: object) => AskedAlike | undefined;
  /** `settings` are what `settle` has made. */
  open(settings: object, connection: BalancerConnection): LoadBalancer;
}

export interface AskedAlike {
  readonly key: string;
  /** What is wrong with it and what to write. */
  readonly message: string;
}

/** What a kind may ask and say while its settings are entered. */
export interface BalancerScope {
  /** The folder of the playbook: what a setting names is relative to it. */
  readonly folder: string;
  /** The password that stands at `key`; a problem is noted where there is no such secret. */
  credential(key: string, written: z.output<typeof credential> | undefined): Secret | undefined;
}

/** What a kind is given to read a balancer with. */
export interface BalancerConnection {
  /** The names that the play's nodes have there, for kinds that are asked server by server. */
  readonly servers: readonly string[];
  /** From the controller, or from the host that `via` names. */
  readonly get: HttpGet;
  readonly now: () => number;
  /** Closes what `get` holds open. */
  readonly close: () => void;
}

/** A kind whose settings have a type of their own. */
export function balancerKind<Schema extends z.ZodObject, Settings extends object>(kind: {
  readonly type: string;
  readonly schema: Schema;
  readonly fetches?: true;
  settle(written: z.output<Schema>, scope: BalancerScope): Settings;
  readonly asksAlike?: (settings: Settings) => AskedAlike | undefined;
  open(settings: Settings, connection: BalancerConnection): LoadBalancer;
}): BalancerKind {
  const { asksAlike, fetches } = kind;
  return {
    type: kind.type,
    schema: kind.schema,
    ...(fetches === undefined ? {} : { fetches }),
    // The table hands to a kind only what its own schema and its own settle have made.
    settle: (written, scope) => kind.settle(written as z.output<Schema>, scope),
    ...(asksAlike === undefined ? {} : { asksAlike: (settings: object) => asksAlike(settings as Settings) }),
    open: (settings, connection) => kind.open(settings as Settings, connection),
  };
}
