import type { Value } from '../../model/host.ts';
import { setOwn } from '../text/yaml.ts';
import type { Reference } from './analyse.ts';
import { revealed } from './confidential.ts';

/** What a reference of a template leads to. */
export type Found = { readonly value: Value } | { readonly missingStep: number; readonly parent: Value | undefined };

/** Only what the template uses goes to the engine: `groups.web` takes no other group along. */
export function contextOf(references: readonly Reference[], found: readonly Found[]): Record<string, unknown> {
  const context: Record<string, unknown> = {};
  const whole = new Set(references.filter(({ path }) => path.length === 0).map(({ root }) => root));
  for (const [index, reference] of references.entries()) {
    const item = found[index];
    if (item === undefined || !('value' in item)) {
      if (item !== undefined && item.missingStep > 0 && !(reference.root in context)) context[reference.root] = {};
      continue;
    }
    const value = revealed(item.value);
    if (reference.path.length === 0) setOwn(context, reference.root, value);
    else if (!whole.has(reference.root)) place(context, [reference.root, ...reference.path], value);
  }
  return context;
}

function place(context: Record<string, unknown>, path: readonly (string | number)[], value: unknown): void {
  let at = context;
  for (const [index, step] of path.entries()) {
    const key = String(step);
    if (index === path.length - 1) {
      setOwn(at, key, value);
      return;
    }
    const next = Object.hasOwn(at, key) ? at[key] : undefined;
    const inner: Record<string, unknown> = isRecord(next) ? { ...next } : {};
    setOwn(at, key, typeof path[index + 1] === 'number' && !isRecord(next) ? [] : inner);
    at = at[key] as Record<string, unknown>;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
