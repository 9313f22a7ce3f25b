import * as z from 'zod';
import { formatAmount, type Amount, type Strategy } from '../../model/strategy.ts';
import { amount, durationMs, must, ratio, text, wholeNumber } from '../../schema/values.ts';
import { isMapping, partAt, type Part } from '../document.ts';
import { checkSchema } from './checks.ts';
import { overlaid, without } from './sections.ts';

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

const canarySchema = z
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
    min_available: amount(0)
      .prefault(1)
      .describe(
        'Nodes of the play that must get requests besides the one leaving; a percentage is of all its hosts, also with --limit.',
      ),
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

type StrategySettings = z.output<typeof strategySchema>;

const defaultBakeMaxMs = 300_000;

/** What the settings ask for; what they leave out is settled. */
export function strategyOf(settings: StrategySettings): Strategy {
  const { canary, drain, zones } = settings;
  return {
    canary: {
      hosts: canary.hosts,
      bakeMs: canary.bake,
      bakeMaxMs: canary.bake_max ?? Math.max(canary.bake, defaultBakeMaxMs),
      onInconclusive: canary.on_inconclusive,
      promote: canary.promote,
      minRequests: canary.min_requests,
      maxErrorRatio: canary.max_error_ratio,
      ...(canary.max_latency_ratio === undefined ? {} : { maxLatencyRatio: canary.max_latency_ratio }),
    },
    stages: settings.stages,
    soakMs: settings.soak,
    ...(zones === undefined ? {} : { zones: { bakeMs: zones.bake ?? canary.bake } }),
    maxUnavailable: settings.max_unavailable,
    minAvailable: settings.min_available,
    maxFailures: settings.max_failures,
    minHealthyTimeMs: settings.min_healthy_time,
    healthyDeadlineMs: settings.healthy_deadline,
    progressDeadlineMs: settings.progress_deadline,
    drain: { timeoutMs: drain.timeout, onTimeout: drain.on_timeout },
    onFailure: settings.on_failure,
  };
}

/** `strategy.zones.by` and `strategy.checks` are rendered host by host; what stands for the first here is no template. */
export function withoutHostStrategy(part: Part): Part {
  const written = partAt(part, 'strategy');
  if (!isMapping(written.value)) return part;
  let strategy = without(written, ['checks']);
  const zones = partAt(written, 'zones');
  if (isMapping(zones.value) && typeof zones.value['by'] === 'string') {
    const settled = overlaid(zones, { ...zones, value: { by: 'settled host by host' } });
    strategy = overlaid(strategy, { ...part, value: { zones: settled.value } });
  }
  return overlaid(part, { ...part, value: { strategy: strategy.value } });
}

/** Where the strategy stands with what is rendered host by host: one that is a template as a whole has it only now. */
export function strategyPart(part: Part, settled: Part): Part {
  return partAt(isMapping(partAt(part, 'strategy').value) ? part : settled, 'strategy');
}

/** The template of a host's zone; undefined where the play has no zones. */
export function zoneOf(part: Part, settled: Part, { zones }: StrategySettings): Part | undefined {
  return zones === undefined ? undefined : partAt(strategyPart(part, settled), 'zones', 'by');
}
