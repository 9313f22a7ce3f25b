import { labels } from '../docker/names.ts';
import type { Container, Observed } from '../docker/observed.ts';
import { formatImageRef, parseImageRef } from '../model/image.ts';
import type { Service } from '../model/service.ts';
import { planWayBack } from './borrowed-gate.ts';
import { causeOf, summarize } from './cause.ts';
import type { ReplacementOrder } from './order/order.ts';
import type { NodePlan, ServiceChange } from './plan.ts';

/** What a rollback needs to know of a node. */
export interface RollbackNode {
  readonly name: string;
  readonly server: string;
  /** In dependency order, the gate last. */
  readonly services: readonly Service[];
  readonly gate: string | undefined;
  readonly borrowedGate: string | undefined;
  readonly order: ReplacementOrder;
  readonly observed: Observed;
}

/** What undoing a run means for one node. */
export interface NodeRollback {
  /** What it would run again; undefined where the run changed nothing that can go back. */
  readonly before: Observed['containers'] | undefined;
  readonly plan: NodePlan;
  /** In one line: `app: image 1.2 → 1.1`. */
  readonly cause: string;
  /** Containers that the run replaced and that are gone: the run cannot be undone here. */
  readonly lost: readonly string[];
}

/**
 * The run that changed something last, by the labels of what runs: ids sort by time, wherever they were made. What a
 * resumed run did belongs to the run that it went on with.
 */
export function lastRun(nodes: readonly RollbackNode[]): string | undefined {
  const runs = nodes.flatMap(({ services, observed }) =>
    services.flatMap(({ containerName }) => runOf(observed.containers.get(containerName)) ?? []),
  );
  return runs.toSorted().at(-1);
}

/** Back to what one run has replaced on a node, and to nothing else: what other runs did stays. */
export function undoRun(run: string, node: RollbackNode): NodeRollback {
  const { services, gate, borrowedGate, order, server, name: host } = node;
  const { containers } = node.observed;
  const ofRun = services.filter(({ containerName }) => isOf(containers.get(containerName), run));
  const going = ofRun.filter((service) => order.kept(service, containers) !== undefined);
  const lost = ofRun
    .filter((service) => !going.includes(service))
    .map(({ containerName }) => containerName)
    // One that took nobody's place was new: it stays.
    .filter((name) => containers.get(name)?.labels[labels.replaces] !== undefined);
  const changes = going.map((service) =>
    changeOf(service, containers.get(service.containerName), order.kept(service, containers)),
  );
  const cause = changes.map(summarize).join('; ');
  const before = going.length === 0 ? undefined : order.before(services, containers, new Set(going));
  const input = { services, gate, borrowedGate, server, now: containers, cause };
  const ops = before === undefined ? [] : planWayBack(order, { ...input, before }).ops;
  const plan: NodePlan = {
    host,
    server,
    changes,
    errors: [],
    warnings: [],
    pulls: [],
    heal: [],
    before: [],
    during: ops,
    after: [],
  };
  return { before, plan, cause, lost };
}

function runOf(container: Container | undefined): string | undefined {
  return container?.labels[labels.release] ?? container?.labels[labels.run];
}

function isOf(container: Container | undefined, run: string): boolean {
  return runOf(container) === run || container?.labels[labels.run] === run;
}

/** From the version that goes to the one that comes back. */
function changeOf({ name }: Service, current: Container | undefined, kept: Container | undefined): ServiceChange {
  const [from, to] = [imageOf(current), imageOf(kept)];
  const differences = from === to ? [] : [{ path: 'image', from, to }];
  const settings = `its settings of before${to === '' ? '' : ` (image ${to})`}`;
  return {
    service: name,
    kind: 'replace',
    cause: differences.length === 0 ? settings : causeOf(differences),
    differences,
  };
}

/** Without its digest where a tag says it. */
function imageOf(container: Container | undefined): string {
  const written = container?.labels[labels.image] ?? container?.imageName ?? '';
  const image = parseImageRef(written);
  if (image?.tag === undefined) return written;
  const { digest: _, ...tagged } = image;
  return formatImageRef(tagged);
}
