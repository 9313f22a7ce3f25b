import type { Secret } from './secret.ts';

/** While what a check is asked: bakes of canary, stages and zones; updates of the others; the time after the last node. */
export type CheckPhase = 'bake' | 'fan_out' | 'soak';

/** A question about the new version, asked over and over beside the balancer's counters. Rendered for one host. */
export interface Check {
  readonly name: string;
  readonly question: Question;
  readonly everyMs: number;
  readonly timeoutMs: number;
  /** So many failures in one phase fail it. */
  readonly failureLimit: number;
  readonly during: readonly CheckPhase[];
  /** Reports only. */
  readonly isDryRun: boolean;
}

export type Question =
  | {
      readonly kind: 'command';
      readonly argv: readonly string[];
      /** Where it runs: the playbook's folder. */
      readonly folder: string;
    }
  | ({
      readonly kind: 'uri';
      readonly method: string;
      readonly statuses: readonly number[];
      readonly contains?: string;
    } & Target)
  | ({ readonly kind: 'prometheus'; readonly query: string; readonly min?: number; readonly max?: number } & Target);

/** Something that is spoken to over HTTP. */
export interface Target {
  /** Without a user or a password. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | Secret>>;
  readonly username?: string;
  readonly password?: Secret;
  readonly bearer?: Secret;
}

/** `unanswered`: nothing was heard that would speak for or against the new version. */
export interface CheckAnswer {
  readonly outcome: 'passed' | 'failed' | 'unanswered';
  /** One line. */
  readonly message: string;
}
