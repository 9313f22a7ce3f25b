import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  balancerAddress,
  compositionFile,
  defaultNetwork,
  hostAddress,
  hostNames,
  inventoryFile,
  keyFile,
  knownHostsFile,
  playbookFile,
  type LabSettings,
} from './layout.ts';

const repository = join(import.meta.dirname, '..', '..', '..');

/** The committed examples (inventory, playbook, composition), fitted to this lab, in the same folders of its own. */
export async function writeExamples(lab: LabSettings): Promise<void> {
  const example = async (folder: string) => await readFile(join(repository, folder, 'lab.yaml'), 'utf8');
  await Promise.all([
    write(inventoryFile(lab.name), inventoryOf(lab)),
    write(playbookFile(lab.name), forNetwork(await example('playbooks'), lab)),
    write(compositionFile(lab.name), forNetwork(await example('compositions'), lab)),
  ]);
}

/** Group `web` of all the lab's hosts, as root with the lab's key. */
export function inventoryOf(lab: LabSettings): string {
  const hosts = hostNames(lab).map((host) => `    ${host}: { ansible_host: ${hostAddress(lab.network, host)} }`);
  return `# The hosts of the ${lab.name} lab: npm run lab -- up ${lab.hosts}
web:
  hosts:
${hosts.join('\n')}
  vars:
    ansible_user: root
    ansible_ssh_private_key_file: ${keyFile(lab.name)}
    ansible_ssh_common_args: -o UserKnownHostsFile=${knownHostsFile(lab.name)}
`;
}

function forNetwork(text: string, lab: LabSettings): string {
  return text.replaceAll(balancerAddress(defaultNetwork, 1), balancerAddress(lab.network, 1));
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
