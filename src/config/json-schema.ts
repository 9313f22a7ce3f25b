import * as z from 'zod';
import { eventSchema } from '../events/schema.ts';
import { networkSchema, volumeSchema } from '../service/resources.ts';
import { serviceSchema } from '../service/table.ts';
import { compositionSchema } from './composition-schema.ts';
import { inventorySchema } from './inventory/schema.ts';
import { writtenTaskSchema } from '../task/schema.ts';
import { configSchema, playbookSchema, playSchema, serviceExtras } from './playbook/schema.ts';

export const schemaNames = ['playbook', 'inventory', 'composition', 'event'] as const;
export type SchemaName = (typeof schemaNames)[number];

/** A JSON Schema, or any part of one. */
type Schema = { [key: string]: unknown };

/** The JSON Schema of a kind of file, for editors. It comes from the schemas that check the files. */
export function jsonSchemaOf(name: SchemaName): Schema {
  switch (name) {
    case 'playbook':
      return titled('A rollout playbook', templated(toJsonSchema(wholePlaybook())));
    case 'inventory':
      return titled('An inventory, as Ansible reads it', toJsonSchema(inventorySchema));
    case 'composition':
      return titled('A composition: the images of a release', toJsonSchema(compositionSchema));
    case 'event':
      return titled('An event: one line of --output json and of the journal', toJsonSchema(eventSchema));
  }
}

/** The playbook with what is otherwise checked entry by entry. */
export function wholePlaybook(): z.ZodType {
  const plainService = serviceSchema();
  const service = plainService.extend(serviceExtras).meta(plainService.meta() ?? {});
  const tasks = z.array(writtenTaskSchema()).optional();
  const lists = Object.fromEntries(
    taskLists.map((name) => [name, tasks.describe(playSchema.shape[name].description ?? '')]),
  );
  const play = playSchema.extend({
    ...lists,
    services: z.record(z.string(), service.nullable()).optional().describe('Containers, in the words of Compose.'),
    networks: z.record(z.string(), networkSchema.nullable()).optional().describe('Created where missing.'),
    volumes: z.record(z.string(), volumeSchema.nullable()).optional().describe('Created where missing.'),
    configs: z.record(z.string(), configSchema).optional().describe('Files for configs of services.'),
  });
  return playbookSchema.extend({ plays: z.array(play).min(1).describe('Tiers of hosts, one after the other.') });
}

const taskLists = ['before', 'pre_tasks', 'tasks', 'post_tasks', 'after', 'handlers'] as const;

function toJsonSchema(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
}

function titled(title: string, { $schema, ...schema }: Schema): Schema {
  return { $schema, title, ...schema };
}

/** Lets a template stand wherever a playbook takes a value. */
function templated(schema: Schema): Schema {
  const { $defs = {}, ...rest } = schema;
  const template = { type: 'string', pattern: '\\{[{%]', description: 'A Jinja template.' };
  const shared = Object.entries($defs as Schema).map(([name, part]) => [
    name,
    isSchema(part) ? walk(part, true) : part,
  ]);
  return { ...walk(rest, true), $defs: { ...(Object.fromEntries(shared) as Schema), template } };
}

const takesText = (schema: Schema): boolean =>
  schema['type'] === undefined
    ? schema['anyOf'] === undefined &&
      schema['oneOf'] === undefined &&
      schema['const'] === undefined &&
      schema['enum'] === undefined
    : schema['type'] === 'string' &&
      schema['enum'] === undefined &&
      schema['format'] === undefined &&
      schema['pattern'] === undefined;

function walk(schema: Schema, isTop: boolean): Schema {
  const inner: Schema = { ...schema };
  for (const key of ['properties', 'patternProperties'])
    if (isSchema(inner[key]))
      inner[key] = Object.fromEntries(
        Object.entries(inner[key]).map(([name, part]) => [name, isSchema(part) ? walk(part, name === 'plays') : part]),
      );
  for (const key of ['items', 'additionalProperties']) if (isSchema(inner[key])) inner[key] = walk(inner[key], isTop);
  for (const key of ['anyOf', 'oneOf'])
    if (Array.isArray(inner[key]))
      inner[key] = (inner[key] as unknown[]).map((part) => (isSchema(part) ? walk(part, true) : part));
  if (isTop || takesText(schema) || Object.keys(schema).length === 0) return inner;
  const { description, default: defaultValue, ...form } = inner;
  return {
    ...(description === undefined ? {} : { description }),
    ...(defaultValue === undefined ? {} : { default: defaultValue }),
    anyOf: [form, { $ref: '#/$defs/template' }],
  };
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
