import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The command line tool, built from the sources as they are now. */
    rolloutScript: string;
  }
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Builds the tool for the tests that start it as a process, in a folder of its own: dist/ may be somebody else's. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = join('node_modules', '.cache', `rollout-${project.name}-${process.pid}`);
  await promisify(execFile)(process.execPath, ['scripts/build.mjs', folder], { cwd: root });
  project.provide('rolloutScript', join(root, folder, 'rollout.js'));
  return () => rm(join(root, folder), { recursive: true, force: true });
}
