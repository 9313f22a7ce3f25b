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
  /** The same where nothing has been compiled yet; absent from older results. */
  readonly freshMs?: readonly number[];
}

const repository = join(import.meta.dirname, '..');
const warmUps = 3;

/**
 * An empty node process, `--version` and `validate`, in turns: files and caches are warm, as for whoever types a second
 * command. What V8 has compiled lies in a folder of this bench's own: other builds on the machine would replace it. At
 * last `validate` without such a folder's contents, as in a new HOME.
 */
export function timeStartUp(script: string, spawns: number): StartUp {
  const folder = mkdtempSync(join(tmpdir(), 'rollout-bench-'));
  try {
    const empty = join(folder, 'empty.js');
    writeFileSync(empty, '');
    const commands = {
      emptyMs: [empty],
      versionMs: [script, '--version'],
      validateMs: [script, 'validate', 'playbooks/prod.yaml'],
      freshMs: [script, 'validate', 'playbooks/prod.yaml'],
    };
    const cache = join(folder, 'cache');
    const times: Record<keyof typeof commands, number[]> = { emptyMs: [], versionMs: [], validateMs: [], freshMs: [] };
    for (let spawn = -warmUps; spawn < spawns; spawn += 1) {
      for (const name of ['emptyMs', 'versionMs', 'validateMs', 'freshMs'] as const) {
        const own = join(folder, `fresh-${spawn}`);
        const durationMs = timeSpawn(commands[name], name === 'freshMs' ? own : cache);
        if (spawn >= 0) times[name].push(durationMs);
      }
    }
    return times;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function timeSpawn(args: readonly string[], cache: string): number {
  const env = { ...cleanEnvironment, XDG_CACHE_HOME: cache };
  const startedMs = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: repository, env });
  const durationMs = performance.now() - startedMs;
  if (status !== 0) throw new Error(`node ${args.join(' ')}: exit ${status ?? 'by signal'}: ${stderr.toString()}`);
  return durationMs;
}
