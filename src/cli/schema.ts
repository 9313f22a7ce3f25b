import { printableJson } from '../render/output.ts';
import { Argument, type Command } from 'commander';
import type { SchemaName } from '../config/json-schema.ts';
import { textIo, type TextWorld } from './text-world.ts';

export function registerSchema(program: Command, world?: TextWorld): void {
  program
    .command('schema')
    .description('the JSON Schema of a kind of file, for editors, or of events, for programs')
    .addArgument(new Argument('<kind>', 'of what').choices(['playbook', 'inventory', 'composition', 'event']))
    .action(async (kind: SchemaName) => {
      const { jsonSchemaOf } = await import('../config/json-schema.ts');
      textIo(world).print(`${printableJson(jsonSchemaOf(kind), 2)}\n`);
    });
}
