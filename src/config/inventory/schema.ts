import * as z from 'zod';
import { policySchema } from '../../service/policy-schema.ts';

const variables = z
  .looseObject({
    rollout_policy: policySchema
      .optional()
      .describe('What services on these hosts may have; added to what other groups, the playbook and its plays say.'),
  })
  .nullable()
  .describe('Variables, by name.');

/** `web[01:20]` and their like are names too. */
const hosts = z
  .union([z.string(), z.record(z.string(), variables)])
  .nullable()
  .describe('Hosts by name or range, as web[01:20], each with its variables or nothing.');

interface GroupShape {
  hosts?: z.input<typeof hosts> | undefined;
  vars?: z.input<typeof variables> | undefined;
  children?: string | Record<string, GroupShape | null> | null | undefined;
}

const group: z.ZodType<GroupShape> = z
  .strictObject({
    hosts: hosts.optional(),
    vars: variables.optional().describe('Variables of every host of the group.'),
    children: z
      .union([
        z.string(),
        z.record(
          z.string(),
          z.lazy(() => group.nullable()),
        ),
      ])
      .nullable()
      .optional()
      .describe('Groups below this one.'),
  })
  .meta({ id: 'group' });

/** A YAML inventory, for JSON Schema. Reading one is inventory/yaml.ts, which knows what Ansible forgives. */
export const inventorySchema = z.record(z.string(), group.nullable());
