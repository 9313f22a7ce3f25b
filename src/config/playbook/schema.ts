import * as z from 'zod';
import { parseDuration } from '../../model/duration.ts';
import { policySchema } from '../../service/policy-schema.ts';
import type { Amount } from '../../model/strategy.ts';

/** What a schema says of wrong values; explain.ts adds what was found. */
const must = (what: string): { error: string } => ({ error: `must be ${what}` });

const text = z.string(must('text')).min(1, must('text, and not empty'));
const flag = z.boolean(must('true or false'));
const wholeNumber = z.number(must('a whole number')).int(must('a whole number')).min(0, must('0 or more'));
const texts = z.union([text, z.array(text)], must('text or a list of texts')).transform((value) => [value].flat());
const variables = z.record(z.string(), z.unknown(), must('a mapping of names to values'));

/** Milliseconds of `30s`, `1m30s`, `500ms`. */
const durationMs = z.string(must('a duration such as 30s or 1m30s')).transform((value, context) => {
  const durationMs = value === '0' ? 0 : parseDuration(value);
  if (durationMs !== undefined) return durationMs;
  context.addIssue({ code: 'custom', message: 'must be a duration such as 30s or 1m30s' });
  return z.NEVER;
});

/** A count of hosts, or a share of them. */
function amount(min: 0 | 1, advice = '') {
  const message = `must be ${min} or more, or a percentage`;
  return z
    .union([z.number(), z.string()], { error: message })
    .transform((value, context): Amount => {
      const percent = /^(\d+(?:\.\d+)?)%$/.exec(String(value))?.[1];
      if (percent !== undefined && Number(percent) <= 100 && Number(percent) >= min)
        return { percent: Number(percent) };
      if (/^\d+$/.test(String(value)) && Number(value) >= min) return { count: Number(value) };
      context.addIssue({ code: 'custom', message, params: { advice } });
      return z.NEVER;
    })
    .meta({ examples: [1, '25%'] });
}

/** `1%` or 0.01. */
const ratio = z
  .union([z.number(), z.string()], must('a percentage such as 1%, or a number from 0 to 1'))
  .transform((value, context) => {
    const percent = /^(\d+(?:\.\d+)?)%$/.exec(String(value))?.[1];
    const number = percent === undefined ? Number(value) : Number(percent) / 100;
    if (number >= 0 && number <= 1) return number;
    context.addIssue({ code: 'custom', message: 'must be a percentage such as 1%, or a number from 0 to 1' });
    return z.NEVER;
  });

const secretReference = z.strictObject({ secret: text.describe('A name under secrets.') }, must('{ secret: NAME }'));
const credential = z.union([secretReference, text], must('{ secret: NAME } or text'));

const condition = z
  .union([flag, text, z.array(z.union([flag, text]))], must('an expression, or a list of which all must hold'))
  .transform((value) => [value].flat())
  .describe('An expression without braces; it must give true or false. It may use facts.');

const tags = texts.describe('For --tags and --skip-tags.');

export const canarySchema = z.strictObject(
  {
    hosts: amount(0).prefault(1).describe('How many nodes are updated first, alone.'),
    bake: durationMs.prefault('30s').describe('How long they must hold on real traffic.'),
    promote: z
      .enum(['auto', 'manual'], must('auto or manual'))
      .default('auto')
      .describe('manual pauses the run after the bake; rollout resume goes on.'),
    min_requests: wholeNumber
      .default(50)
      .describe('Below this many requests to the canary the verdict is inconclusive.'),
    max_error_ratio: ratio
      .prefault('1%')
      .describe("How much higher than its peers' the canary's share of failed requests may be."),
    max_latency_ratio: z
      .number(must('a number above 1'))
      .gt(1, must('a number above 1'))
      .optional()
      .describe("How many times its peers' mean response time the canary's may be. Not judged by default."),
  },
  must('a mapping'),
);

export const strategySchema = z.strictObject(
  {
    canary: canarySchema.prefault({}).describe('The node or nodes that go first.'),
    max_unavailable: amount(1, 'To update every node at once write 100%.')
      .prefault('25%')
      .describe('Nodes out of rotation at once; a percentage is rounded down, to at least 1.'),
    min_available: amount(0).prefault(1).describe('Nodes that the balancer must show UP besides the one leaving.'),
    max_failures: amount(0).prefault(0).describe('Failed nodes that a run bears; an unreachable host counts.'),
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

const server = text.optional().describe("The node's name in the backend; {{ inventory_hostname }} by default.");
const via = text.optional().describe('Reach the balancer through the SSH connection of this inventory host.');
const url = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' });
const urls = z
  .union([url, z.array(url).min(1, must('at least one URL'))], must('a URL, or a list of them'))
  .transform((value) => [value].flat());

export const loadBalancerSchema = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      type: z.literal('haproxy'),
      stats: urls.describe('One stats page or several; a node is out only when all of them say so.'),
      backend: text.describe("The backend's name in HAProxy."),
      server,
      username: text.optional().describe('For pages that ask for a password.'),
      password: credential.optional().describe('{ secret: NAME }, or text.'),
      via,
    }),
    z.strictObject({
      type: z.literal('http'),
      url: urls.describe('Answers GET with 2xx and the text up, down or drained; {server} stands for the server.'),
      server,
      via,
    }),
    z.strictObject({
      type: z.literal('command'),
      command: z
        .array(text, must('a list of words'))
        .min(1, must('a list of words'))
        .describe("Runs at the controller with the server's name as last word; prints up, down or drained."),
      server,
    }),
    z.strictObject({ type: z.literal('none') }),
  ],
  { error: 'must be a mapping with type: haproxy, http, command or none' },
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
    compose: text.optional().describe('A Compose file whose services, networks and volumes the play takes over.'),
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
export type LoadBalancerSettings = z.output<typeof loadBalancerSchema>;
export type SecretSource = z.output<typeof secretSourceSchema>;
