import * as z from 'zod';
import type { Event } from './event.ts';
import {
  amount,
  durationMs,
  facts,
  failure,
  host,
  hostResults,
  hosts,
  judgement,
  ms,
  op,
  plannedPlay,
  play,
  pool,
  resumed,
  text,
  texts,
  whole,
} from './schema-parts.ts';
import { watchEventEntries } from './watch-schema.ts';

type FieldsOf<T extends Event['type']> = Exclude<keyof (Event & { readonly type: T }), 'v' | 'at' | 'run' | 'type'>;

/** Every field of every event has its schema, and none has one that it does not have: the compiler says so. */
type Entries = {
  readonly [T in Event['type']]: { readonly doc: string; readonly fields: Readonly<Record<FieldsOf<T>, z.ZodType>> };
};

const wave = text.optional().describe('What holds, by its name in the plan: `canary`, `stage 10%`, `zone eu`, `soak`.');

/** Every event: what it is said for, and what it has beside `v`, `type`, `at` and `run`. */
export const eventEntries = {
  run_started: {
    doc: 'The run introduces itself.',
    fields: {
      command: z.enum(['run', 'rollback', 'resume']),
      playbook: text,
      composition: text.optional(),
      options: z.record(z.string(), z.unknown()).optional().describe('Flags that decide what the run does.'),
      extraVars: z
        .object({ given: texts, hash: text })
        .optional()
        .describe('`-e`: files and names as given, no value; and a hash of it all.'),
      cwd: text.optional().describe('The working folder.'),
      version: text.describe('Of rollout.'),
      user: text,
      plays: z.array(z.object({ play, hosts })),
      rollbackTo: z.enum(['parked', 'composition', 'run']).optional(),
      toRun: text.optional().describe('Of a rollback to the images of an earlier run: that run.'),
      controller: text.optional().describe('The machine that it runs on.'),
      commit: text.optional().describe("The git commit of the playbook's working tree."),
      source: text.optional().describe('What the composition was made from: a git tag or commit.'),
      ciJob: text.optional().describe('The page of the CI job that it runs in.'),
      noBake: z.object({ reason: text }).optional().describe('`--no-bake`, and why.'),
      ignoreWindow: z.object({ reason: text }).optional().describe('`--ignore-window`, and why.'),
      scheduled: text.optional().describe('What a scheduler started it by: a cron expression and its time zone.'),
      resumed: resumed.optional(),
    },
  },
  host_connected: { doc: 'A host has answered.', fields: { host, facts, durationMs } },
  host_unreachable: {
    doc: 'A host did not answer.',
    fields: { host, message: text, hint: text.optional().describe('What to try.') },
  },
  plan_ready: {
    doc: 'What is to be done.',
    fields: {
      text: text.describe('The whole plan, as `rollout plan` prints it.'),
      undoes: text.optional().describe('Of a rollback to parked containers: the run that it undoes.'),
      plays: z.array(plannedPlay),
      images: z.record(z.string(), text).describe('`name:tag` to `name:tag@digest`.'),
      components: z.record(z.string(), texts).optional().describe('By service: its images with their digests.'),
    },
  },
  image_progress: {
    doc: 'How far an image has come that takes longer than two seconds: once a second for each host, and less often on many hosts.',
    fields: {
      host,
      image: text,
      by: z.enum(['pull', 'push']).describe('`push`: the controller sends it.'),
      layers: z
        .object({
          total: whole.describe('Those that the host did not have.'),
          fetched: whole.describe('Of those: how many are there as a whole.'),
          unpacked: whole,
        })
        .optional()
        .describe('Of a pull, as docker tells it.'),
      doneBytes: amount.optional().describe('Of layers that the host did not have. Absent where a size is not known.'),
      totalBytes: amount.optional(),
      bytesPerSecond: amount
        .optional()
        .describe('Over the last ten seconds. Of a pull whose layers come as a whole only: since its beginning.'),
      durationMs: ms('Since it began'),
    },
  },
  image_pulled: { doc: 'A host has an image.', fields: { host, image: text, durationMs } },
  image_pushed: {
    doc: 'The controller has sent an image to a host.',
    fields: {
      host,
      image: text,
      sentBytes: amount.describe('Of layers that the host lacked.'),
      totalBytes: amount.describe('Of all layers.'),
      durationMs,
    },
  },
  node_started: {
    doc: "A node's turn begins.",
    fields: { host, play, role: z.enum(['canary', 'fan_out', 'rollback']), cause: text, ops: whole },
  },
  drain_started: {
    doc: 'A node is taken out of rotation.',
    fields: { host, server: text.describe('Its name at the balancer.'), sessions: amount, pool: pool.optional() },
  },
  node_drained: {
    doc: 'No balancer sends to the node or holds a session of it.',
    fields: { host, durationMs, sessionsCut: amount.describe('Still open at the time limit.'), pool: pool.optional() },
  },
  op_started: { doc: 'A step begins.', fields: { host, op } },
  op_finished: {
    doc: 'A step has ended.',
    fields: { host, op, ok: z.boolean(), durationMs, exitCode: whole.optional(), message: text.optional() },
  },
  task_finished: {
    doc: 'A task of the playbook, or one item of its loop, has ended.',
    fields: {
      host,
      task: text,
      module: text,
      status: z
        .enum(['ok', 'changed', 'skipped', 'failed', 'ignored'])
        .describe('`ignored`: it failed, which counts for nothing.'),
      item: text.optional().describe('Of a loop.'),
      rc: whole.optional(),
      message: text.optional(),
      stdout: text.optional().describe('The end of what it printed; nothing with `no_log`.'),
      stderr: text.optional(),
      diff: texts.optional().describe('Lines of a unified diff of the file that it changed.'),
      durationMs,
    },
  },
  task_output: {
    doc: 'Whole lines of what a command in a container prints, as they come; not with `no_log`.',
    fields: { host, task: text, lines: texts },
  },
  node_verified: { doc: 'A service runs, is healthy and has held.', fields: { host, durationMs } },
  node_admitted: {
    doc: 'Every balancer shows the node UP again.',
    fields: { host, durationMs, pool: pool.optional() },
  },
  bake_started: { doc: 'Nodes hold on real traffic.', fields: { play, wave, hosts, bakeMs: ms('For how long') } },
  bake_prolonged: {
    doc: 'Too little was seen to judge by: it goes on.',
    fields: { play, wave: text, bakeMs: ms('Until when at most, from its beginning'), reason: text },
  },
  bake_finished: { doc: 'Nodes that held are judged.', fields: { play, wave, hosts, ...judgement } },
  fan_out_judged: {
    doc: 'What was updated by then is judged against the nodes still to come.',
    fields: { play, hosts, ...judgement },
  },
  node_done: {
    doc: 'A node is as wanted.',
    fields: {
      host,
      play,
      result: z.enum(['updated', 'unchanged']).describe('`unchanged`: at its turn it was as wanted already.'),
      durationMs,
    },
  },
  node_failed: { doc: 'A node could not be updated.', fields: { host, failure } },
  node_restored: {
    doc: 'A node is back at what it ran before, or could not be put back.',
    fields: {
      host,
      durationMs,
      serving: z.boolean().describe('`false`: it could not be put back.'),
      message: text.optional(),
      next: text.optional().describe('What to type where it does not serve.'),
      again: z.boolean().optional().describe('It had been tried before, in vain.'),
      ranBefore: z.literal(false).optional().describe('Nothing of the play ran there before.'),
    },
  },
  run_steered: {
    doc: 'Something was asked for from another terminal.',
    fields: { steering: z.enum(['promote', 'pause', 'abort']), by: text, message: text },
  },
  check_result: {
    doc: 'What a check answered, unless it passes once more.',
    fields: {
      play,
      check: text,
      hosts,
      phase: z.enum(['bake', 'fan_out', 'soak']),
      outcome: z.enum(['passed', 'failed', 'unanswered']),
      message: text,
      failures: whole.describe('By now, in this phase.'),
      failureLimit: whole,
      dryRun: z.boolean().optional().describe('It fails nothing.'),
    },
  },
  gate_started: {
    doc: 'The gate of a play is asked, after the canary has held.',
    fields: { play, hosts, gate: text, timeoutMs: ms('Its limit') },
  },
  gate_finished: {
    doc: 'The gate has answered.',
    fields: {
      play,
      hosts,
      gate: text,
      ok: z.boolean(),
      message: text,
      exitCode: whole.optional(),
      output: texts.describe('The last lines that it printed.'),
      durationMs,
    },
  },
  run_paused: {
    doc: 'The run stops, and can go on.',
    fields: {
      reason: text,
      next: text.describe('What to type.'),
      by: z.literal('window').optional().describe('Its window has closed, or a freeze has begun.'),
    },
  },
  run_finished: {
    doc: 'The end, whatever ended it.',
    fields: {
      outcome: z.enum(['changed', 'unchanged', 'failed', 'rolled_back', 'paused', 'interrupted']),
      exitCode: whole,
      durationMs,
      hosts: hostResults,
      error: z.object({ message: text, details: texts }).optional().describe('Why it was refused, or broke off.'),
      next: text.optional().describe('Of an interrupted run: what to type to go on.'),
    },
  },
  command_run: {
    doc: 'With `-vvv`: a command on a host.',
    fields: {
      host,
      commandLine: text,
      script: text.optional().describe("Of a script of rollout's own: its name and arguments."),
      exitCode: whole.optional().describe('Absent: it goes on, or its connection broke.'),
      durationMs,
    },
  },
  waiting: {
    doc: 'What is waited for, said at least every ten seconds.',
    fields: {
      host: host.optional().describe('Absent: the run itself waits.'),
      message: text,
      elapsedMs: ms('By now'),
      limitMs: ms('Its limit; 0 for none'),
      sessions: amount.optional(),
      pool: pool.optional(),
    },
  },
  traffic_seen: {
    doc: 'What the balancers of a play show and have counted, every two seconds at most.',
    fields: {
      play,
      pool,
      sessions: amount.optional().describe('Open ones and queued requests.'),
      requests: amount.optional().describe('Since the last one; absent where none are counted.'),
      errors: amount.optional(),
      spanMs: ms('Since the last one'),
    },
  },
  warning: { doc: 'What somebody should know.', fields: { host: host.optional(), message: text } },
} as const satisfies Entries;

const head = { v: z.literal(1), at: z.number().describe('Milliseconds since the epoch.') };
const ofRun = { ...head, run: text.describe('The id of the run.') };

const linesOf = (
  entries: Readonly<Record<string, { readonly doc: string; readonly fields: Readonly<Record<string, z.ZodType>> }>>,
  common: Readonly<Record<string, z.ZodType>>,
) =>
  Object.entries(entries).map(([type, { doc, fields }]) =>
    z.object({ ...common, type: z.literal(type), ...fields }).describe(doc),
  );

/** One line of `--output json` and of the journal. New types and new fields may come: what it does not know is let through. */
export const eventSchema = z.discriminatedUnion('type', [
  ...linesOf(eventEntries, ofRun),
  ...linesOf(watchEventEntries, head),
] as unknown as [z.ZodObject<{ type: z.ZodLiteral }>]);
