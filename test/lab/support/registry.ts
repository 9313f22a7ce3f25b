import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { labDir, lanNamespace, logFile, registryAddress, type LabSettings } from './layout.ts';
import { lastLinesOf, pidsIn, startInNamespace } from './processes.ts';

const program = 'docker-registry';

/** Starts the lab's image registry (plain HTTP, no login) and resolves when it answers. */
export async function startRegistry(lab: LabSettings): Promise<void> {
  const folder = join(labDir(lab.name), 'registry');
  await mkdir(folder, { recursive: true });
  const config = join(folder, 'config.yml');
  await writeFile(config, registryConfig(lab, join(folder, 'data')));
  const log = logFile(lab.name, 'registry');
  const command = [program, 'serve', config];
  const { hasExited } = await startInNamespace(lanNamespace(lab.name), command, log);
  const end = Date.now() + 30_000;
  while (!(await isRegistryRunning(lab))) {
    if (hasExited() || Date.now() > end) throw new Error(`the registry does not answer:\n${await lastLinesOf(log)}`);
    await sleep(50);
  }
}

/** Stops the registry at once, in the middle of whatever it is doing. Its images stay. */
export async function stopRegistry(lab: LabSettings): Promise<void> {
  const pids = await registryPids(lab);
  if (pids.length === 0) throw new Error(`the registry of lab ${lab.name} does not run`);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  while ((await registryPids(lab)).length > 0) await sleep(20);
}

/** Told apart by their program from the others that live beside the bridge. */
async function registryPids(lab: LabSettings): Promise<readonly number[]> {
  const lan = lanNamespace(lab.name);
  const pids = (await pidsIn([lan])).get(lan) ?? [];
  const names = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')));
  // The kernel keeps 15 characters of a name.
  return pids.filter((_, index) => names[index]?.trim() === program.slice(0, 15));
}

export async function isRegistryRunning(lab: LabSettings): Promise<boolean> {
  const answer = fetch(`http://${registryAddress(lab.network)}/v2/`, { signal: AbortSignal.timeout(2000) });
  return await answer.then(
    (response) => response.ok,
    () => false,
  );
}

const registryConfig = (lab: LabSettings, data: string): string => `version: 0.1
log: { level: warn, accesslog: { disabled: true } }
storage:
  filesystem: { rootdirectory: ${data} }
  delete: { enabled: true }
http: { addr: "${registryAddress(lab.network)}", secret: only-one-registry-here }
`;
