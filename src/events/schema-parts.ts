import * as z from 'zod';

export const text = z.string();
export const texts = z.array(z.string());
/** Counters are whole numbers; times may have fractions. */
export const amount = z.number().nonnegative();
export const whole = z.int();

/** A duration or another number, with what it is. */
export const ms = (about: string): z.ZodNumber => amount.describe(`${about}, in milliseconds`);

export const durationMs = ms('How long it took');
export const host = text.describe('Its name in the inventory.');
export const hosts = texts.describe('Names in the inventory.');
export const play = text.describe('The name of the play.');

export const pool = z
  .object({
    up: whole.describe('Nodes that get requests: the fewest on any balancer.'),
    servers: whole.describe('Nodes of the play that the balancers list.'),
  })
  .describe('What the balancers show of the play.');

export const op = z
  .object({
    kind: text,
    text: text.describe('As in the plan and the log: `stop app`.'),
    cause: text.describe('Why: `image 1.4 → 1.5`.'),
    service: text.optional(),
    job: text.optional().describe('The job whose end it waits for.'),
  })
  .describe('One step on a host.');

export const failure = z
  .object({
    op,
    message: text.describe('One line: what happened.'),
    exitCode: whole.optional(),
    logs: texts.describe("The container's last log lines, oldest first."),
    logFile: text.optional().describe('The file at the controller that holds its whole log.'),
    next: text.optional().describe('What to do, or the command to type.'),
    ofImage: z
      .literal(true)
      .optional()
      .describe('The new container itself failed, and neither its host nor the registry: it speaks against the image.'),
  })
  .describe('Why it failed.');

const traffic = z.object({
  requests: amount,
  errors: amount,
  errorRatio: amount.describe('errors / requests; 0 without requests.'),
  responseTimeMs: amount.optional(),
});

/** What was seen of updated nodes on real traffic. */
export const judgement = {
  verdict: z.enum(['passed', 'failed', 'inconclusive', 'promoted', 'skipped']),
  reason: text,
  canary: traffic.optional().describe('Of the nodes that were judged.'),
  peers: traffic.optional().describe('Of nodes that were not updated, on the same traffic.'),
  before: traffic.optional().describe('Of the fleet before the run, where there were no such nodes.'),
  detectableRatio: amount.optional().describe('An error ratio from this on would have been seen.'),
};

const byPlay = z.record(z.string(), texts);

export const resumed = z
  .object({
    run: text.describe('The run that it goes on with.'),
    first: text.optional().describe('The first one, where that one was resumed itself.'),
    finished: byPlay.describe('Hosts whose node was finished, by play.'),
    judged: texts.describe('Plays whose canary had been judged.'),
    baked: byPlay.optional().describe('Waves that had held, by play.'),
    isRollback: z.literal(true).optional(),
    toRun: text.optional().describe('The run whose images it goes back to.'),
    images: z.record(z.string(), text).describe('What its tags stood for.'),
  })
  .describe('What the runs before had done.');

export const facts = z
  .object({
    hostname: text,
    cpus: amount,
    memory_mb: amount,
    arch: text.describe('As `docker info` prints it.'),
    os: text,
    docker_version: text,
  })
  .describe('What docker says of its host.');

const change = z.object({ service: text, kind: text, cause: text });

const wave = z.object({
  name: text.describe('`canary`, `stage 10%`, `zone eu`, `the others`.'),
  zone: text.optional(),
  hosts,
  maxUnavailable: whole,
  bakeMs: ms('How long it holds before the next one'),
});

export const plannedPlay = z.object({
  play,
  canaries: hosts,
  waves: z.array(wave).optional().describe('Its nodes in the order of their turns.'),
  maxUnavailable: whole,
  minAvailable: whole,
  hosts: z.record(z.string(), z.array(change)).describe('What is to change, by host.'),
});

export const hostResults = z
  .record(
    z.string(),
    z.object({
      result: z.enum(['updated', 'unchanged', 'failed', 'restored', 'unreachable', 'untouched']),
      durationMs: durationMs.optional(),
      message: text.optional(),
    }),
  )
  .describe('How each host ended, by its name.');
