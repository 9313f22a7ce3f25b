import type { Command } from 'commander';
import type { AccessOptions } from '../../api/composition/access.ts';
import { defaultOptions } from '../../api/options.ts';
import { printableJson } from '../../render/output.ts';
import {
  addConnectionOptions,
  addExtraVarsOption,
  addFormOption,
  addInventoryOption,
  addPlaybookOptions,
  addVaultOptions,
} from '../options.ts';
import { askHidden, isInteractive } from '../prompt.ts';
import { textIo, type TextIo } from '../text-world.ts';
import { systemWorld } from '../world.ts';

/** Flags of the commands that ask registries. */
export interface RegistryFlags {
  readonly playbook?: string;
  readonly output: 'plain' | 'json';
}

/** For a command that asks registries: whose logins. */
export function addRegistryOptions(command: Command): Command {
  const described = command.option('--playbook <file>', "log in to registries as this playbook's registries say");
  return addFormOption(addVaultOptions(addExtraVarsOption(addInventoryOption(described))));
}

/** For a command that reads a playbook's hosts too. */
export function addHostOptions(command: Command): Command {
  const described = command.option('--playbook <file>', "log in to registries as this playbook's registries say");
  return addFormOption(addConnectionOptions(addPlaybookOptions(described)));
}

/** Where a command about compositions reads and prints, and how it reaches registries and hosts. */
export interface Desk extends TextIo {
  readonly access: AccessOptions;
  /** Data with `--output json`, else text. */
  readonly show: (data: unknown, text: string) => void;
}

/** A desk of this process; warnings of hosts are said as they come. */
export function deskOf(flags: { readonly output: 'plain' | 'json' }): Desk {
  const world = systemWorld();
  const io = textIo(undefined);
  const { env, cwd, homeDir, clock, random } = world;
  return {
    ...io,
    access: {
      ...defaultOptions,
      ...flags,
      ...{ env, cwd, homeDir, clock, random },
      askVaultPassword: () => askHidden('Vault password: ', world),
      ...(isInteractive(world) ? { askSecret: (question: string) => askHidden(question, world) } : {}),
      onEvent: (event) => {
        if (event.type === 'warning') io.note(`warning: ${event.host ?? ''}: ${event.message}\n`);
      },
    },
    show: (data, text) => io.print(`${flags.output === 'json' ? printableJson(data) : text}\n`),
  };
}
