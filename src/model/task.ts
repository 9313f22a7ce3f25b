import type { Secret } from './secret.ts';

/** A task of a play on one host: a module of `src/task`, its parameters, and the keywords around them. */
export interface Task {
  readonly name: string;
  /** Its name in the table of modules: `command`. */
  readonly module: string;
  /** As the module's schema yields them. */
  readonly params: unknown;
  readonly environment: Readonly<Record<string, string | Secret>>;
  readonly timeoutMs: number;
  readonly runOnce: boolean;
  readonly ignoreErrors: boolean;
}
