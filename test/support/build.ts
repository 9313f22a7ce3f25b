import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Builds the tool from the sources as they are now, in a folder of its own: dist/ may change while tests run. */
export async function buildTool(name: string): Promise<{ readonly script: string; remove(): Promise<void> }> {
  const folder = join('node_modules', '.cache', `rollout-${name}-${process.pid}`);
  await promisify(execFile)(process.execPath, ['scripts/build.mjs', folder], { cwd: root });
  return {
    script: join(root, folder, 'rollout.js'),
    remove: () => rm(join(root, folder), { recursive: true, force: true }),
  };
}
