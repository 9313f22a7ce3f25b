import type { Command } from 'commander';
import { registerDiff } from './composition/diff.ts';
import { registerList } from './composition/list.ts';
import { registerLock } from './composition/lock.ts';
import { registerNew } from './composition/new.ts';
import { registerPromoteComposition } from './composition/promote.ts';
import { registerShow } from './composition/show.ts';
import { registerVerify } from './composition/verify.ts';
import { registerWhere } from './composition/where.ts';

/** `rollout composition …`: releases as files, from the build to production. */
export function registerComposition(program: Command): void {
  const group = program
    .command('composition')
    .description('a release as a file: the image of every component, cut, locked, verified, promoted');
  registerNew(group);
  registerLock(group);
  registerVerify(group);
  registerDiff(group);
  registerPromoteComposition(group);
  registerList(group);
  registerShow(group);
  registerWhere(group);
}
