import type { Problems } from '../text/problems.ts';
import type { Vault } from '../vault/vault.ts';
import { Inventory } from './inventory.ts';
import { readSources } from './sources.ts';
import { VarsFiles } from './vars-files.ts';

export interface InventoryOptions {
  /** Files, folders, scripts, or comma lists; relative to `cwd`. */
  readonly sources: readonly string[];
  /** Its group_vars and host_vars count after those beside the inventories. */
  readonly playbookFolder?: string | undefined;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly vault: Vault;
  readonly problems: Problems;
  readonly scriptTimeoutMs?: number;
}

/** Reads an inventory with everything around it. Problems are collected, and what could be read is returned. */
export async function loadInventory(options: InventoryOptions): Promise<Inventory> {
  const { graph, varsFolders } = await readSources(options.sources, options);
  return new Inventory(graph, new VarsFiles(options), {
    inventory: varsFolders,
    playbook: options.playbookFolder,
  });
}
