import { printableJson } from '../render/output.ts';
import type { Command } from 'commander';
import type { Validation } from '../config/validate.ts';
import { formatProblem } from '../model/problem.ts';
import { formatProblems, problemToJson } from '../render/problems.ts';
import { addExtraVarsOption, addFormOption, addInventoryOption, addVaultOptions } from './options.ts';
import { askVaultPassword, textIo, type TextIo, type TextWorld } from './text-world.ts';

interface ValidateFlags {
  readonly inventory: readonly string[];
  readonly extraVars: readonly string[];
  readonly composition?: string;
  readonly limit?: string;
  readonly vaultPasswordFile?: string;
  readonly askVaultPass: boolean;
  readonly output: 'plain' | 'json';
}

export function registerValidate(program: Command, world?: TextWorld): void {
  const command = program
    .command('validate')
    .argument('<files...>', 'playbooks, inventories and compositions')
    .description('every problem of these files at once, templates rendered for every host; connects to nothing');
  addExtraVarsOption(addInventoryOption(command, 'instead of what the playbooks name (repeatable)'))
    .option('-c, --composition <file>', 'instead of what the playbooks name')
    .option('-l, --limit <pattern>', 'only these hosts');
  addFormOption(addVaultOptions(command), 'text, or one JSON list').action(
    async (files: readonly string[], flags: ValidateFlags) => {
      process.exitCode = await validateCommand(files, flags, textIo(world));
    },
  );
}

/** Checks every file and prints what is wrong; resolves to the exit code. */
async function validateCommand(
  files: readonly string[],
  flags: ValidateFlags,
  { print, note, env, cwd }: TextIo,
): Promise<number> {
  const { validateFile } = await import('../config/validate.ts');
  // Asked once for all files.
  const password = flags.askVaultPass ? await askVaultPassword() : undefined;
  const results: (Validation & { readonly file: string })[] = [];
  for (const file of files) {
    const validation = await validateFile(file, {
      inventories: flags.inventory,
      extraVars: flags.extraVars,
      composition: flags.composition,
      limit: flags.limit,
      tags: [],
      skipTags: [],
      become: false,
      vaultPasswordFile: flags.vaultPasswordFile,
      askVaultPass: password === undefined ? undefined : () => Promise.resolve(password),
      env,
      cwd,
    });
    results.push({ file, ...validation });
  }
  // Two playbooks may stumble over the same inventory.
  const problems = unique(results.flatMap((result) => result.problems));
  const warnings = unique(results.flatMap((result) => result.warnings));
  if (flags.output === 'json') {
    const list = [
      ...problems.map((problem) => ({ severity: 'error', ...problemToJson(problem) })),
      ...warnings.map((warning) => ({ severity: 'warning', ...problemToJson(warning) })),
    ];
    print(`${printableJson(list, 2)}\n`);
  } else {
    note(warnings.map((warning) => `warning: ${formatProblem(warning)}\n`).join(''));
    for (const { file, summary, problems: own } of results)
      if (own.length === 0) print(`${file}: ${summary}, all good\n`);
    if (problems.length > 0) note(formatProblems(problems));
  }
  return problems.length > 0 ? 2 : 0;
}

function unique<Item>(items: readonly Item[]): Item[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
