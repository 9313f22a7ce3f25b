import type { Op } from './plan.ts';

/** What a way back does without on a disk that is full: first what says how a container restarts, then its name. */
export type Without = 'policies' | 'names';

/**
 * The way back with as few writes as it can have: what ran before starts, under whatever name it has, and the rest is left
 * to whoever makes room. What takes the place of the old container is still stopped and removed: that makes room itself.
 */
export function withoutWrites(ops: readonly Op[], without: Without): readonly Op[] {
  const names = new Map<string, string>();
  const nameNow = (name: string): string => names.get(name) ?? name;
  return ops.flatMap((op): readonly Op[] => {
    switch (op.kind) {
      case 'set_restart':
      case 'update':
        return [];
      case 'rename':
        if (without === 'policies') return [op];
        names.set(op.to, op.container);
        return [];
      case 'start':
      case 'unpause':
      case 'verify':
        return [{ ...op, container: nameNow(op.container) }];
      case 'admit':
      case 'drain':
      case 'stop':
      case 'remove':
      case 'create':
      case 'pull':
      case 'create_network':
      case 'create_volume':
      case 'await':
      case 'settle':
      case 'task':
        return [op];
    }
  });
}
