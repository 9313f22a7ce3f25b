import * as z from 'zod';
import { loadBalancerSchema } from '../../balancer/table.ts';
import {
  condition,
  credential,
  flag,
  must,
  secretReference,
  tags,
  text,
  texts,
  variables,
} from '../../schema/values.ts';
import { policySchema } from '../../service/policy-schema.ts';
import { taskList } from '../../task/schema.ts';
import { gateSchema } from './gate.ts';
import { notifySchema } from './notify.ts';
import { strategySchema } from './strategy.ts';
import { timetableKeys } from './timetable.ts';

export const configSchema = z.union(
  [
    z.strictObject({ file: text }, must('a mapping')),
    z.strictObject({ content: z.union([z.string(), secretReference]) }, must('a mapping')),
    z.strictObject({ environment: text }, must('a mapping')),
  ],
  must('{ file: PATH }, { content: TEXT } or { environment: NAME }'),
);

/** The keys of a service that are rollout's, beside those of Compose. */
export const serviceExtras = { when: condition.optional(), tags: tags.optional() };

const composeSchema = z.union(
  [
    text.transform((file) => ({ files: [file], envFiles: undefined })),
    z
      .array(text)
      .min(1, must('at least one file'))
      .transform((files) => ({ files, envFiles: undefined })),
    z
      .strictObject(
        {
          files: texts.describe('Later ones are laid over earlier ones.'),
          env_files: texts.optional().describe('Variables of the files, instead of .env beside the first one.'),
        },
        must('a mapping with files and env_files'),
      )
      .transform(({ files, env_files: envFiles }) => ({ files, envFiles })),
  ],
  must('a file, a list of files, or { files, env_files }'),
);

/** Checked entry by entry, by the schemas of src/service. */
const mappingOfAnything = z.record(z.string(), z.unknown(), must('a mapping'));

export const playSchema = z.strictObject(
  {
    name: text.describe('What plan, log and labels call the play; unique in the playbook.'),
    hosts: texts.describe('A pattern of hosts, as in Ansible.'),
    vars: variables.optional().describe("Variables of this play; they override the playbook's and the inventory's."),
    load_balancer: loadBalancerSchema.optional().describe('Where the nodes take their traffic from.'),
    health_container: text
      .optional()
      .describe(
        "The service that answers the balancer's check: stopping it takes the node out. Or a container that is there already and is none of the play's: it is stopped and started, and never changed otherwise.",
      ),
    strategy: strategySchema.prefault({}).describe('How the update goes over the nodes.'),
    gate: gateSchema
      .optional()
      .describe(
        'What must succeed between the canary, once it has baked, and the others; a failure is one of the canary.',
      ),
    policy: policySchema.optional().describe('What its services may have, beside what the playbook says.'),
    compose: composeSchema
      .optional()
      .describe(
        'A Compose file, or a list of files laid over each other, whose services, networks, volumes and configs the play takes over. Or { files, env_files }, the latter instead of .env beside the first file.',
      ),
    profiles: texts.optional().describe('Profiles of services that are switched on, beside those of COMPOSE_PROFILES.'),
    networks: mappingOfAnything.optional().describe('Created where missing.'),
    volumes: mappingOfAnything.optional().describe('Created where missing.'),
    configs: z
      .record(z.string(), configSchema, must('a mapping'))
      .optional()
      .describe('Files for configs of services.'),
    services: mappingOfAnything.optional().describe('Containers, in the words of the Compose Specification.'),
    before: taskList
      .optional()
      .describe(
        'Once a run, on the first host of the play, ahead of every node. A failure ends the run with nothing touched.',
      ),
    pre_tasks: taskList.optional().describe('Before the node leaves rotation.'),
    tasks: taskList.optional().describe('While it is out: a node that has something of them to do leaves rotation.'),
    post_tasks: taskList.optional().describe('After it is back.'),
    after: taskList.optional().describe('Once a run, on the first host of the play, when every node is done.'),
    run_tasks: z
      .enum(['always', 'on_change'], must('always or on_change'))
      .default('always')
      .describe(
        'on_change: all three lists only on hosts where a service changes, so that a run with nothing to do drains nobody; run_once is then for the first of them.',
      ),
    handlers: taskList
      .optional()
      .describe('Tasks that others call by name with notify; run once, at the end of the list that called them.'),
    remove_orphans: flag.default(false).describe('Remove containers of this play that it no longer names.'),
  },
  must('a mapping with name, hosts and services'),
);

export const secretSourceSchema = z.union(
  [
    z.strictObject({ env: text.describe('An environment variable of the controller.') }, must('a mapping')),
    z.strictObject({ file: text.describe('A file, relative to the playbook.') }, must('a mapping')),
    z.strictObject(
      {
        command: z
          .array(text, must('a list of words'))
          .min(1, must('a list of words'))
          .describe('A command at the controller that prints the value.'),
      },
      must('a mapping'),
    ),
  ],
  must('{ env: NAME }, { file: PATH } or { command: [WORDS] }'),
);

export const playbookSchema = z.strictObject(
  {
    name: text.optional().describe('The name of the whole; the file name by default.'),
    inventory: texts.optional().describe('Inventories, relative to the playbook; -i overrides.'),
    composition: text.optional().describe('A composition, relative to the playbook; -c overrides.'),
    images: z
      .enum(['pull', 'push'], must('pull or push'))
      .default('pull')
      .describe(
        'push: hosts get every image from the docker of the controller, through their SSH connection, where they cannot reach a registry. Only layers that a host lacks are sent.',
      ),
    require_locked: flag
      .default(false)
      .describe('Refuses images without a digest, those of the composition and of services: a tag can be moved.'),
    vars: variables.optional().describe("Variables of every play; they override the inventory's."),
    vars_files: texts.optional().describe('Files of variables, relative to the playbook; later ones override.'),
    secrets: z
      .record(z.string(), secretSourceSchema, must('a mapping of names to sources'))
      .optional()
      .describe('Values that never reach argv, a log, the journal or a report.'),
    registries: z
      .record(
        z.string(),
        z.strictObject(
          {
            username: text.optional(),
            password: credential.optional(),
            insecure: flag.default(false).describe('Spoken to over HTTP, or over TLS without a known certificate.'),
          },
          must('a mapping with username and password'),
        ),
        must('a mapping of registries'),
      )
      .optional()
      .describe('Credentials, by registry host.'),
    policy: policySchema.optional().describe('What services may have; checked before anything is touched.'),
    ...timetableKeys,
    notify: notifySchema,
    plays: z
      .array(playSchema, must('a list of plays'))
      .min(1, must('a list of at least one play'))
      .describe('Tiers of hosts, one after the other.'),
  },
  must('a mapping with plays'),
);

export type PlaySettings = z.output<typeof playSchema>;
export type SecretSource = z.output<typeof secretSourceSchema>;
