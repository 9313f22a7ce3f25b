import { access, chmod, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:fs';
import { cleanEnvironment, run, runToEnd } from './processes.ts';

/** A program that the lab needs, and Debian's package for it. */
const needed: readonly (readonly [binary: string, debianPackage: string])[] = [
  ['dockerd', 'docker.io'],
  ['docker', 'docker.io'],
  ['sshd', 'openssh-server'],
  ['ssh-keygen', 'openssh-client'],
  ['haproxy', 'haproxy'],
  ['docker-registry', 'docker-registry'],
  ['busybox', 'busybox-static'],
  ['iptables', 'iptables'],
  ['ip', 'iproute2'],

  ['nsenter', 'util-linux'],
  ['gcc', 'gcc'],
  ['openssl', 'openssl'],
  ['sudo', 'sudo'],
  ['ps', 'procps'],
  // What services are compared with.
  ['docker-compose', 'docker-compose'],
];
const libc: readonly [file: string, debianPackage: string] = ['/usr/include/stdio.h', 'libc6-dev'];

/** Installs what the lab needs; looks at the programs first, so that it costs nothing the second time. */
export async function installPackages(say: (line: string) => void): Promise<void> {
  await installMissing([...(await packagesOf(needed)), ...((await exists(libc[0])) ? [] : [libc[1]])], say);
}

/** Installs those of these programs, or files by their whole path, that are not there. */
export async function installPrograms(programs: typeof needed, say: (line: string) => void): Promise<void> {
  await installMissing(await packagesOf(programs), say);
}

/** The packages of the programs that are missing. */
async function packagesOf(programs: typeof needed): Promise<readonly string[]> {
  const missing = new Set<string>();
  for (const [binary, debianPackage] of programs) if (!(await isThere(binary))) missing.add(debianPackage);
  return [...missing];
}

async function installMissing(missing: readonly string[], say: (line: string) => void): Promise<void> {
  if (missing.length === 0) return;
  say(`installing ${missing.join(' ')}`);
  await withoutStartingServices(() => install([...missing]));
}

async function install(packages: readonly string[]): Promise<void> {
  if (!(await isOnPath('apt-get')))
    throw new Error(
      `the lab needs the programs of these Debian packages, and there is no apt-get: ${packages.join(' ')}`,
    );
  const argv = ['apt-get', 'install', '--yes', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages];
  const nonInteractive = ['env', 'DEBIAN_FRONTEND=noninteractive'];
  const first = await runToEnd([...nonInteractive, ...argv], { timeoutMs: 600_000 });
  if (first.exitCode === 0) return;
  await run(['apt-get', 'update'], { timeoutMs: 300_000 });
  await run([...nonInteractive, ...argv], { timeoutMs: 600_000 });
}

const policyFile = '/usr/sbin/policy-rc.d';
const savedPolicyFile = '/usr/sbin/policy-rc.d.before-rollout-lab';
const denyAll = '#!/bin/sh\n# Written by the rollout lab while it installs packages: no service starts.\nexit 101\n';

/** Debian starts the services that it installs, unless this file says no. What was there before is put back. */
async function withoutStartingServices(action: () => Promise<void>): Promise<void> {
  const before = await readFile(policyFile, 'utf8').catch(() => undefined);
  if (before !== undefined && before !== denyAll) await rename(policyFile, savedPolicyFile);
  await writeFile(policyFile, denyAll);
  await chmod(policyFile, 0o755);
  try {
    await action();
  } finally {
    if (await exists(savedPolicyFile)) await rename(savedPolicyFile, policyFile);
    else await rm(policyFile, { force: true });
  }
}

async function isThere(binary: string): Promise<boolean> {
  return binary.startsWith('/') ? await exists(binary) : await isOnPath(binary);
}

async function isOnPath(binary: string): Promise<boolean> {
  for (const folder of cleanEnvironment.PATH.split(':')) {
    if (await exists(`${folder}/${binary}`, constants.X_OK)) return true;
  }
  return false;
}

async function exists(file: string, mode: number = constants.F_OK): Promise<boolean> {
  return await access(file, mode).then(
    () => true,
    () => false,
  );
}
