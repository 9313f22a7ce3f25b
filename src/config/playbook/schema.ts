import * as z from 'zod';
import { loadBalancerSchema } from '../../balancer/table.ts';
import {
  amount,
  condition,
  credential,
  durationMs,
  flag,
  must,
  ratio,
  secretReference,
  tags,
  text,
  texts,
  variables,
  wholeNumber,
} from '../../schema/values.ts';
import { formatAmount, type Amount } from '../../model/strategy.ts';
import { checkSchema } from './checks.ts';
import { policySchema } from '../../service/policy-schema.ts';
/** A later stage that is no more than an earlier one would never come. */
function refuseShrinking(stages: readonly Amount[], context: z.core.$RefinementCtx): void {
  for (const [index, stage] of stages.entries()) {
    const before = stages[index - 1];
    const isMore =
      before === undefined ||
      ('count' in stage
        ? !('count' in before) || stage.count > before.count
        : !('percent' in before) || stage.percent > before.percent);
    if (isMore) continue;
    const message = `must be more than the stage before it, ${formatAmount(before)}: a stage counts what was updated before`;
    context.addIssue({ code: 'custom', path: [index], message });
  }
}

export const canarySchema = z
  .strictObject(
    {
      hosts: amount(0).prefault(1).describe('How many nodes are updated first, alone.'),
      bake: durationMs.prefault('30s').describe('How long they must hold on real traffic.'),
      bake_max: durationMs
        .optional()
        .describe(
          'How long the bake may go on where there is too little to judge by. 5m by default, or bake where that is more.',
        ),
      on_inconclusive: z
        .enum(['continue', 'pause', 'fail'], must('continue, pause or fail'))
        .default('continue')
        .describe('What happens when there is too little to judge by even then; continue says so and goes on.'),
      promote: z
        .enum(['auto', 'manual'], must('auto or manual'))
        .default('auto')
        .describe(
          'manual waits for a yes after the bake: at the terminal or by rollout promote; otherwise the run pauses.',
        ),
      min_requests: wholeNumber
        .default(50)
        .describe('Below this many requests to the canary the verdict is inconclusive.'),
      max_error_ratio: ratio
        .prefault('0.2%')
        .describe(
          "How many percentage points more of its requests than its peers' the canary may fail. It fails when that is certain, not by chance.",
        ),
      max_latency_ratio: z
        .number(must('a number above 1'))
        .gt(1, must('a number above 1'))
        .optional()
        .describe(
          "How many times its peers' mean response time the canary's may be, once it has served the 1,024 requests of HAProxy's mean. Not judged by default.",
        ),
    },
    must('a mapping'),
  )
  .superRefine(({ bake, bake_max: bakeMax }, context) => {
    if (bakeMax === undefined || bakeMax >= bake) return;
    context.addIssue({ code: 'custom', path: ['bake_max'], message: 'must be as long as bake, or longer' });
  });

export const strategySchema = z.strictObject(
  {
    canary: canarySchema.prefault({}).describe('The node or nodes that go first.'),
    stages: z
      .array(amount(1), must('a list of shares, such as [10%, 50%]'))
      .superRefine(refuseShrinking)
      .prefault([])
      .describe(
        'Shares of the fleet, or of each zone, that are updated and bake as the canary did before the next; rounded down, to at least 1. What was updated before counts.',
      ),
    zones: z
      .strictObject(
        {
          by: text.describe("A template that gives the name of a host's zone, such as {{ zone }}."),
          bake: durationMs
            .optional()
            .describe("How long a zone's nodes must hold before the next zone; as canary.bake by default."),
        },
        must('a mapping with by'),
      )
      .optional()
      .describe('One zone after the other, in the order of the inventory; a failure stays in its zone.'),
    checks: z
      .array(checkSchema, must('a list of checks'))
      .prefault([])
      .describe("What the new version is asked beside the balancer's counters, in bakes, fan-out and soak."),
    soak: durationMs
      .prefault('0')
      .describe('How long the updated nodes are judged after the last one, against what the fleet did before the run.'),
    max_unavailable: amount(1, 'To update every node at once write 100%.')
      .prefault('25%')
      .describe(
        'Nodes out of rotation at once, within a zone where there are zones; a percentage is rounded down, to at least 1.',
      ),
    min_available: amount(0).prefault(1).describe('Nodes of the play that must get requests besides the one leaving.'),
    max_failures: amount(0)
      .prefault(0)
      .describe('How many nodes may fail before the run stops; an unreachable host counts.'),
    min_healthy_time: durationMs.prefault('3s').describe('How long a new container must stay well.'),
    healthy_deadline: durationMs.prefault('5m').describe('How long a new container may take to be well.'),
    progress_deadline: durationMs.prefault('10m').describe('How long a node may take without getting further.'),
    drain: z
      .strictObject(
        {
          timeout: durationMs.prefault('30s').describe('How long to wait for open sessions.'),
          on_timeout: z
            .enum(['force', 'fail'], must('force or fail'))
            .default('force')
            .describe('force goes on and reports the cut sessions; fail puts the node back.'),
        },
        must('a mapping'),
      )
      .prefault({})
      .describe('How a node leaves rotation.'),
    on_failure: z
      .enum(['rollback', 'pause', 'continue'], must('rollback, pause or continue'))
      .default('rollback')
      .describe('What happens when more than max_failures nodes have failed.'),
  },
  must('a mapping'),
);

export const taskSchema = z
  .strictObject(
    {
      name: text.optional().describe('What the log calls it; the command by default.'),
      command: z
        .union([text, z.array(text).min(1, must('a command'))], must('a command line or a list of words'))
        .optional()
        .describe('A command on the host, without a shell.'),
      shell: text.optional().describe('A line for sh on the host.'),
      when: condition.optional(),
      environment: z
        .record(
          z.string(),
          z.union([z.string(), z.number(), z.boolean(), secretReference], must('text, a number or { secret: NAME }')),
          must('a mapping'),
        )
        .default({})
        .describe('Variables of the command; a value may be { secret: NAME }.'),
      timeout: durationMs.prefault('5m').describe('When the task is given up.'),
      run_once: flag.default(false).describe('On the first host of the play only.'),
      ignore_errors: flag.default(false).describe('A failure is reported, and the run goes on.'),
      tags: tags.optional(),
    },
    must('a mapping with command or shell'),
  )
  .refine((task) => (task.command === undefined) !== (task.shell === undefined), {
    error: 'must have command or shell, and not both',
  });

const tasks = z.array(taskSchema, must('a list of tasks'));

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
      .describe("The service that answers the balancer's check: stopping it takes the node out."),
    strategy: strategySchema.prefault({}).describe('How the update goes over the nodes.'),
    policy: policySchema.optional().describe('What its services may have, beside what the playbook says.'),
    compose: composeSchema
      .optional()
      .describe(
        'A Compose file, or a list of files laid over each other, whose services, networks, volumes and configs the play takes over; or { files, env_files }, the latter instead of .env beside the first file.',
      ),
    profiles: texts.optional().describe('Profiles of services that are switched on, beside those of COMPOSE_PROFILES.'),
    networks: mappingOfAnything.optional().describe('Created where missing.'),
    volumes: mappingOfAnything.optional().describe('Created where missing.'),
    configs: z
      .record(z.string(), configSchema, must('a mapping'))
      .optional()
      .describe('Files for configs of services.'),
    services: mappingOfAnything.optional().describe('Containers, in the words of the Compose Specification.'),
    pre_tasks: tasks.optional().describe('Before the node leaves rotation.'),
    tasks: tasks.optional().describe('While it is out; their presence makes it leave.'),
    post_tasks: tasks.optional().describe('After it is back.'),
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
    plays: z
      .array(playSchema, must('a list of plays'))
      .min(1, must('a list of at least one play'))
      .describe('Tiers of hosts, one after the other.'),
  },
  must('a mapping with plays'),
);

export type PlaySettings = z.output<typeof playSchema>;
export type StrategySettings = z.output<typeof strategySchema>;
export type SecretSource = z.output<typeof secretSourceSchema>;
