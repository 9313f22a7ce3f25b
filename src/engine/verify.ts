import type { Container } from '../docker/observed.ts';
import { formatDuration } from '../model/duration.ts';
import type { Op } from '../plan/plan.ts';
import type { ContainerTrouble } from '../plan/image-fault.ts';
import { judgeContainer, type Judgement } from '../plan/verification.ts';
import type { RunContext } from './context.ts';
import type { Node } from './node.ts';
import { OpError } from './op-error.ts';
import { tryProbe } from './probe.ts';

type OpOf<Kind extends Op['kind']> = Extract<Op, { kind: Kind }>;

const inspectIntervalMs = 1000;
const firstLookMs = 20;

/**
 * Running, no restarts, healthy if it has a healthcheck, probe passed, and so for `min_healthy_time`.
 * @throws OpError as soon as it cannot come true any more, or at `healthy_deadline`.
 */
export async function verify(op: OpOf<'verify'>, node: Node, context: RunContext, started?: Container): Promise<void> {
  const { minHealthyTimeMs, healthyDeadlineMs } = node.tier.play.strategy;
  const { probe } = op.service;
  const startedMs = context.clock.now();
  using notice = context.heartbeat.wait(node.name, { limitMs: healthyDeadlineMs });
  const intervalMs = Math.min(probe?.intervalMs ?? inspectIntervalMs, inspectIntervalMs);
  // As its start was looked at, where more is to come that it must live to see.
  let known = probe === undefined && minHealthyTimeMs === 0 ? undefined : started;
  let lookedAtMs = startedMs;
  let baseRestarts: number | undefined;
  let goodSinceMs: number | undefined;
  let isHolding = false;
  for (;;) {
    if (known === undefined) lookedAtMs = context.clock.now();
    const [container, found] = await Promise.all([known ?? inspect(op, node), tryProbeOf(op, node)]);
    baseRestarts ??= container.state.restartCount;
    const judgement = examine(op.wasPaused === true ? checkedAnew(container) : container, baseRestarts, found);
    if (judgement.kind === 'failed') throw new OpError(op, `${op.container} ${judgement.reason}`, troubleOf(container));
    const nowMs = context.clock.now();
    goodSinceMs = judgement.kind === 'good' ? (goodSinceMs ?? nowMs) : undefined;
    if (goodSinceMs !== undefined && !isHolding && nowMs - goodSinceMs >= minHealthyTimeMs) break;
    if (judgement.kind === 'waiting') {
      const limit = formatDuration(healthyDeadlineMs);
      if (notice.isOver)
        throw new OpError(op, `${op.container} was not healthy within ${limit}: ${judgement.reason}`, unhealthy);
      notice.say(`${op.container} to be healthy: ${judgement.reason}`);
    }
    const waitMs =
      goodSinceMs === undefined
        ? lookAgainMs(nowMs - startedMs, intervalMs)
        : Math.min(intervalMs, goodSinceMs + minHealthyTimeMs - nowMs);
    await context.clock.sleep(Math.max(1, waitMs), context.interrupt.now);
    // Each look is a docker process on the host. While it holds, a restart is seen as well a little later, or at the end.
    const thenMs = context.clock.now();
    isHolding = goodSinceMs !== undefined && thenMs - goodSinceMs < minHealthyTimeMs;
    known = isHolding && thenMs - lookedAtMs < inspectIntervalMs ? container : undefined;
  }
  context.emit({ type: 'node_verified', host: node.name, durationMs: context.clock.now() - startedMs });
}

/** Waits for what another service depends on. @throws OpError when it cannot come true, or at `healthy_deadline`. */
export async function awaitCondition(op: OpOf<'await'>, node: Node, context: RunContext): Promise<void> {
  const limitMs = node.tier.play.strategy.healthyDeadlineMs;
  using notice = context.heartbeat.wait(node.name, { limitMs: limitMs });
  for (;;) {
    const container = await inspect(op, node);
    const { state } = container;
    if (op.condition === 'service_completed_successfully') {
      if (state.status === 'exited' && state.exitCode === 0) return;
      if (state.status === 'exited')
        throw new OpError(op, `${op.container} exited with code ${state.exitCode}`, troubleOf(container));
    } else {
      if (state.health === 'healthy') return;
      const judgement = judgeContainer(container, 0);
      if (judgement.kind === 'failed')
        throw new OpError(op, `${op.container} ${judgement.reason}`, troubleOf(container));
      if (state.health === undefined)
        throw new OpError(op, `${op.container} has no healthcheck, so it cannot become healthy`, unhealthy);
    }
    const words = `${op.container} is ${state.status}${state.health === undefined ? '' : `, ${state.health}`}`;
    if (notice.isOver) throw new OpError(op, `${words} after ${formatDuration(limitMs)}`, unhealthy);
    notice.say(`${op.container} to be ${op.condition === 'service_healthy' ? 'healthy' : 'complete'}: ${words}`);
    await context.clock.sleep(lookAgainMs(notice.elapsedMs, inspectIntervalMs), context.interrupt.now);
  }
}

async function tryProbeOf({ service }: OpOf<'verify'>, node: Node): Promise<string | undefined> {
  return service.probe === undefined ? undefined : tryProbe(service.probe, node.session.remote);
}

/** `found`: what stands against it by its probe. */
function examine(container: Container, baseRestarts: number, found: string | undefined): Judgement {
  const judgement = judgeContainer(container, baseRestarts);
  return judgement.kind === 'good' && found !== undefined ? { kind: 'waiting', reason: found } : judgement;
}

/** Unhealthy, as docker says of it since it was paused, is no more than not yet checked again. */
function checkedAnew(container: Container): Container {
  const { state } = container;
  return state.health === 'unhealthy' ? { ...container, state: { ...state, health: 'starting' } } : container;
}

/** Looks often at first, and never later than a tenth of the time that it has taken so far. */
function lookAgainMs(elapsedMs: number, longestMs: number): number {
  return Math.min(longestMs, Math.max(firstLookMs, elapsedMs / 10));
}

async function inspect(op: OpOf<'verify' | 'await'>, node: Node): Promise<Container> {
  const container = (await node.session.docker.inspect([op.container])).get(op.container);
  if (container === undefined) throw new OpError(op, `${op.container} is gone`, { trouble: 'gone' });
  return container;
}

const unhealthy = { trouble: 'unhealthy' } as const;

function troubleOf({ state }: Container): { readonly trouble: ContainerTrouble; readonly exitCode?: number } {
  return state.running ? unhealthy : { trouble: 'stopped', exitCode: state.exitCode };
}
