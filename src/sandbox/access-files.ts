import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Access {
  readonly user: string;
  /** In OpenSSH's format. */
  readonly privateKey: string;
  readonly hosts: readonly { readonly name: string; readonly port: number; readonly hostKey: string }[];
}

/** Writes the key, known_hosts and an inventory with every host in group `web`; resolves to the inventory's path. */
export async function writeAccessFiles(dir: string, access: Access): Promise<string> {
  await mkdir(dir, { recursive: true });
  const keyFile = join(dir, 'id_ed25519');
  const knownHostsFile = join(dir, 'known_hosts');
  const inventoryFile = join(dir, 'inventory.yaml');
  const knownHosts = access.hosts.map(({ port, hostKey }) => `[127.0.0.1]:${port} ${hostKey}\n`);
  const hosts = access.hosts.map(({ name, port }) => `        ${name}: { ansible_port: ${port} }\n`);
  const sshArgs = `-o UserKnownHostsFile="${knownHostsFile}" -o StrictHostKeyChecking=yes`;
  await writeFile(keyFile, access.privateKey, { mode: 0o600 });
  await writeFile(knownHostsFile, knownHosts.join(''));
  await writeFile(
    inventoryFile,
    [
      'all:\n',
      '  vars:\n',
      '    ansible_host: 127.0.0.1\n',
      `    ansible_user: ${access.user}\n`,
      `    ansible_ssh_private_key_file: ${JSON.stringify(keyFile)}\n`,
      `    ansible_ssh_common_args: ${JSON.stringify(sshArgs)}\n`,
      '  children:\n',
      '    web:\n',
      '      hosts:\n',
      ...hosts,
    ].join(''),
  );
  return inventoryFile;
}
