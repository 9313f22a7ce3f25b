import type { DockerError } from '../docker/errors.ts';
import type { Container } from '../docker/observed.ts';
import { formatDuration } from '../model/duration.ts';
import { jobsOf } from '../plan/dependencies.ts';
import { judgeContainer } from '../plan/verification.ts';
import { RemoteError } from '../ssh/remote.ts';
import { absenceWords, isAbsence, readThroughAbsence } from './absence.ts';
import type { RunContext } from './context.ts';
import type { Node } from './node.ts';
import { tryWhileAnswering } from './probe.ts';
import { returnLimitMs } from './refresh.ts';
import type { Wait } from './heartbeat.ts';

/** How often the containers of a few nodes are looked at while they hold; of many, not all of them all the time. */
export const examineIntervalMs = 1000;
const examineNodeMs = 20;

/** Looks at the containers of nodes that hold: they run, were not restarted, and answer their probes. */
export class Examination implements Disposable {
  readonly #nodes: readonly Node[];
  readonly #context: RunContext;
  readonly #absences = new Map<Node, Wait>();
  #restarts: ReadonlyMap<string, number> = new Map();
  #examinedMs = -Infinity;

  constructor(nodes: readonly Node[], context: RunContext) {
    this.#nodes = nodes;
    this.#context = context;
  }

  /** What is there when the bake begins. */
  async begin(): Promise<void> {
    this.#restarts = await restartCounts(this.#nodes, this.#context);
    this.#examinedMs = this.#context.clock.now();
  }

  [Symbol.dispose](): void {
    for (const absence of this.#absences.values()) absence[Symbol.dispose]();
  }

  /** What is wrong with the nodes; undefined while nothing is, and while it is too soon to look again. */
  async look(): Promise<string | undefined> {
    const nowMs = this.#context.clock.now();
    if (nowMs - this.#examinedMs < Math.max(examineIntervalMs, this.#nodes.length * examineNodeMs)) return undefined;
    this.#examinedMs = nowMs;
    return examine(this.#nodes, this.#restarts, this.#absences, this.#context);
  }
}

async function restartCounts(canaries: readonly Node[], context: RunContext): Promise<ReadonlyMap<string, number>> {
  const counts = await Promise.all(
    canaries.map(async (node) =>
      (await readThroughAbsence(node.session, context, returnLimitMs, () => servingContainers(node))).map(
        (container) => [keyOf(node, container), container.state.restartCount] as const,
      ),
    ),
  );
  return new Map(counts.flat());
}

/** What is wrong with the canaries; undefined while nothing is. */
async function examine(
  canaries: readonly Node[],
  restarts: ReadonlyMap<string, number>,
  absences: Map<Node, Wait>,
  context: RunContext,
): Promise<string | undefined> {
  const found = await Promise.all(
    canaries.map(async (node) => {
      try {
        const trouble = await examineNode(node, restarts);
        absences.get(node)?.[Symbol.dispose]();
        absences.delete(node);
        return trouble;
      } catch (error) {
        if (!isAbsence(error)) throw error;
        return missed(node, error, absences, context);
      }
    }),
  );
  return found.find((trouble) => trouble !== undefined);
}

/** The way there is lost, which for a while says nothing about the canary: the balancer still sees it. */
async function missed(
  node: Node,
  error: RemoteError | DockerError,
  absences: Map<Node, Wait>,
  context: RunContext,
): Promise<string | undefined> {
  const absence = absences.get(node) ?? context.heartbeat.wait(node.name, { limitMs: returnLimitMs });
  absences.set(node, absence);
  if (absence.isOver)
    return `${node.name} could not be looked at for ${formatDuration(returnLimitMs)}: ${error.message}`;
  absence.say(`the host to come back: ${absenceWords(error)}`);
  // One try at a time: the balancer is to be read meanwhile.
  if (error instanceof RemoteError) {
    await node.session.reconnect(context, 0).catch((failure: unknown) => {
      if (!isAbsence(failure)) throw failure;
    });
  }
  return undefined;
}

async function examineNode(node: Node, restarts: ReadonlyMap<string, number>): Promise<string | undefined> {
  for (const container of await servingContainers(node)) {
    const judgement = judgeContainer(container, restarts.get(keyOf(node, container)) ?? 0);
    if (judgement.kind === 'failed') return `${container.name} on ${node.name} ${judgement.reason}`;
  }
  for (const { name, probe } of node.services) {
    const trouble =
      probe === undefined
        ? undefined
        : await tryWhileAnswering(probe, node.session.remote, () => servingContainers(node));
    if (trouble !== undefined) return `the probe of ${name} on ${node.name} fails: ${trouble}`;
  }
  return undefined;
}

async function servingContainers(node: Node): Promise<readonly Container[]> {
  const jobs = jobsOf(node.services);
  const names = node.services.flatMap(({ name, containerName }) => (jobs.has(name) ? [] : [containerName]));
  return [...(await node.session.docker.inspect(names)).values()];
}

const keyOf = (node: Node, container: Container): string => `${node.name} ${container.name}`;
