import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { LoadOptions } from '../../src/config/load.ts';

/** A folder with the files of a test, taken away at the end of it: `using project = createProject({ … })`. */
export interface Project extends Disposable {
  readonly dir: string;
  /** Options that load `playbook.yaml` of this folder. */
  options(more?: Partial<LoadOptions>): LoadOptions;
}

/** Files whose text begins with `#!` may be run. */
export function createProject(files: Readonly<Record<string, string>>): Project {
  const dir = mkdtempSync(join(tmpdir(), 'rollout-project-'));
  for (const [name, text] of Object.entries(files)) {
    const path = join(dir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    if (text.startsWith('#!')) chmodSync(path, 0o755);
  }
  return {
    dir,
    options: (more = {}) => ({
      playbook: 'playbook.yaml',
      inventories: [],
      extraVars: [],
      tags: [],
      skipTags: [],
      become: false,
      env: { PATH: process.env['PATH'] },
      cwd: dir,
      ...more,
    }),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}
