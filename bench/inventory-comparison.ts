import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface InventoryComparison {
  readonly hosts: number;
  readonly groups: number;
  /** One time a round. */
  readonly rolloutMs: readonly number[];
  readonly ansibleMs: readonly number[];
  readonly same: boolean;
}

const groups = 50;
const hostsPerGroup = 100; /** Runs both commands in turns on one generated inventory, and compares what they print. `script` is the built tool. */
export function compareInventories(script: string, rounds: number): InventoryComparison {
  const folder = mkdtempSync(join(tmpdir(), 'rollout-bench-'));
  try {
    writeInventory(folder);
    const rolloutMs: number[] = [];
    const ansibleMs: number[] = [];
    let same = true;
    for (let round = 0; round < rounds; round++) {
      const ours = timed(process.execPath, [script, 'inventory', '-i', 'hosts.yaml', '--list'], folder);
      const theirs = timed('ansible-inventory', ['-i', 'hosts.yaml', '--list'], folder);
      rolloutMs.push(ours.durationMs);
      ansibleMs.push(theirs.durationMs);
      same &&= ours.output === theirs.output;
    }
    return { hosts: groups * hostsPerGroup, groups, rolloutMs, ansibleMs, same };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeInventory(folder: string): void {
  const lines = ['all:', '  children:'];
  mkdirSync(join(folder, 'group_vars'));
  for (let group = 0; group < groups; group++) {
    lines.push(`    g${group}:`, '      hosts:');
    for (let host = 0; host < hostsPerGroup; host++)
      lines.push(
        `        h${group * hostsPerGroup + host}.example.com:`,
        `          ansible_host: 10.0.${group}.${host}`,
        `          weight: ${host}`,
      );
    lines.push('      vars:', `        tier: ${group}`);
    writeFileSync(join(folder, 'group_vars', `g${group}.yml`), `zone: z${group}\nports: [80, 443]\n`);
  }
  writeFileSync(join(folder, 'hosts.yaml'), `${lines.join('\n')}\n`);
}

function timed(command: string, args: readonly string[], cwd: string): { output: string; durationMs: number } {
  const start = performance.now();
  const output = execFileSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 256 << 20, timeout: 120_000 });
  return { output, durationMs: performance.now() - start };
}
