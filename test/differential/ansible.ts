import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface AnsibleCall {
  /** The command and its arguments: `ansible-inventory`, `ansible`. */
  readonly argv: readonly string[];
  readonly cwd: string;
}

export interface AnsibleResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

const driver = new URL('ansible_calls.py', import.meta.url).pathname;

/** The Python that runs Ansible here: the one that its own command names. Undefined where Ansible is not installed. */
function ansiblePython(): string | undefined {
  const folder = (process.env['PATH'] ?? '').split(':').find((path) => existsSync(join(path, 'ansible-inventory')));
  if (folder === undefined) return undefined;
  return /^#!\s*(\S+)/.exec(readFileSync(join(folder, 'ansible-inventory'), 'utf8'))?.[1];
}

/** Whether the real Ansible is here; the set-up installs it where it can (see setup-ansible.ts). */
export function hasAnsible(): boolean {
  return ansiblePython() !== undefined;
}

/** Runs Ansible's commands, one after the other, with a home and a configuration of their own. */
export async function callAnsible(calls: readonly AnsibleCall[], timeoutMs = 240_000): Promise<AnsibleResult[]> {
  const home = await mkdtemp(join(tmpdir(), 'rollout-ansible-'));
  try {
    const output = await new Promise<string>((resolve, reject) => {
      const env = { PATH: process.env['PATH'], HOME: home, LANG: 'C.UTF-8', ANSIBLE_NOCOLOR: '1' };
      const child = execFile(
        ansiblePython() ?? 'python3',
        [driver],
        { env, timeout: timeoutMs, maxBuffer: 512 << 20 },
        (error, stdout, stderr) => {
          if (error === null) resolve(stdout);
          else reject(new Error(`the calls of Ansible failed: ${error.message}\n${stderr}`));
        },
      );
      child.stdin?.end(JSON.stringify(calls));
    });
    return JSON.parse(output) as AnsibleResult[];
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
