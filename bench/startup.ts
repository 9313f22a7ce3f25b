import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanEnvironment } from '../test/lab/support/processes.ts';

/** Wall times in milliseconds, one a spawn, in the order of the spawns. */
export interface StartUp {
  readonly emptyMs: readonly number[];
  readonly versionMs: readonly number[];
  readonly validateMs: readonly number[];
}

const repository = join(import.meta.dirname, '..');
const warmUps = 3;

/** An empty node process, `--version` and `validate`, in turns: files and caches are warm, as for whoever types a second command. */
export function timeStartUp(script: string, spawns: number): StartUp {
  const folder = mkdtempSync(join(tmpdir(), 'rollout-bench-'));
  try {
    const empty = join(folder, 'empty.js');
    writeFileSync(empty, '');
    const commands = {
      emptyMs: [empty],
      versionMs: [script, '--version'],
      validateMs: [script, 'validate', 'playbooks/prod.yaml'],
    };
    const times: Record<keyof StartUp, number[]> = { emptyMs: [], versionMs: [], validateMs: [] };
    for (let spawn = -warmUps; spawn < spawns; spawn += 1) {
      for (const name of ['emptyMs', 'versionMs', 'validateMs'] as const) {
        const durationMs = timeSpawn(commands[name]);
        if (spawn >= 0) times[name].push(durationMs);
      }
    }
    return times;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function timeSpawn(args: readonly string[]): number {
  const startedMs = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: repository, env: cleanEnvironment });
  const durationMs = performance.now() - startedMs;
  if (status !== 0) throw new Error(`node ${args.join(' ')}: exit ${status ?? 'by signal'}: ${stderr.toString()}`);
  return durationMs;
}
