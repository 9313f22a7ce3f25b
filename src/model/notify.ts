import type { Secret } from './secret.ts';

/** What is told of a run. `finished` is its end, however it ends. */
export const notifyKinds = [
  'started',
  'finished',
  'changed',
  'failed',
  'paused',
  'interrupted',
  'node_failed',
] as const;
export type NotifyKind = (typeof notifyKinds)[number];

/** Whom a run tells what happens. */
export type NotifyTarget = {
  readonly on: readonly NotifyKind[];
  readonly form: 'json' | 'slack' | 'text';
  readonly timeoutMs: number;
} & (
  | { readonly kind: 'webhook'; readonly url: string | Secret }
  /** It runs in the playbook's folder. */
  | { readonly kind: 'command'; readonly argv: readonly string[]; readonly folder: string }
);
