import type { Secret } from './secret.ts';

/** What stands between a play's canary and the others: it runs once its canary has held, and must end with exit code 0. */
export interface Gate {
  readonly asks: GateCommand | GateContainer;
  /** Given to it beside what it is told of the run. */
  readonly environment: Readonly<Record<string, string | Secret>>;
  readonly timeoutMs: number;
}

/** A command at the controller. */
export interface GateCommand {
  readonly kind: 'command';
  readonly argv: readonly string[];
  /** Where it runs: the playbook's folder. */
  readonly folder: string;
}

/** A container of one of the play's services, which runs for nothing else. */
export interface GateContainer {
  readonly kind: 'container';
  /** The key under `services`. */
  readonly service: string;
  /** Where it runs; the first canary where it is not given. */
  readonly host?: string;
}

/** What a gate is, in words: `./smoke.sh at the controller`. */
export function describeGate({ asks }: Pick<Gate, 'asks'>): string {
  if (asks.kind === 'command') return `${asks.argv.join(' ')} at the controller`;
  return `container of ${asks.service} on ${asks.host ?? 'the canary'}`;
}
