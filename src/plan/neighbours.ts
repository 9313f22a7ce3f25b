import type { Container } from '../docker/observed.ts';
import { isOneOff } from '../docker/names.ts';
import { Inspected } from '../service/inspected.ts';
import { isOurs } from './containers.ts';
import type { Containers } from './order/order.ts';
import { policyOf } from './restart-policy.ts';

/** A container that ran on a node before it was worked on, and is none of the play's. */
export interface Neighbour {
  readonly name: string;
  /** Healthy, or without a healthcheck. One that was not well before only has to run. */
  readonly isWell: boolean;
  /** Made by rollout. */
  readonly isOurs: boolean;
}

/** Those that run, beside the play's own containers and those of single tasks. */
export function neighboursOf(containers: Containers, own: ReadonlySet<string>): readonly Neighbour[] {
  return [...containers.values()]
    .filter(({ name, state }) => state.running && !own.has(name) && !isOneOff(name))
    .filter(({ state }) => state.status !== 'restarting' && state.status !== 'paused')
    .map((container) => {
      const { name, state } = container;
      const isWell = state.health === undefined || state.health === 'healthy';
      return { name, isWell, isOurs: isOurs(container) };
    });
}

/** How far a node's neighbours are on their way back. */
export interface Settling {
  /** To be started: nothing brings them back by itself. */
  readonly start: readonly string[];
  /** What is still waited for, in words. */
  readonly waiting: readonly string[];
  /** It will not come true. */
  readonly failed: readonly string[];
  /** What is not there any more and is nobody's to bring back, in words. */
  readonly gone: readonly string[];
}

/**
 * What came back and what did not. A container of rollout's, or one with a restart policy, must run again; any other one
 * may have ended by itself, as a backup does. `started`: those that have been started already.
 */
export function settling(before: readonly Neighbour[], now: Containers, started: ReadonlySet<string>): Settling {
  const start: string[] = [];
  const waiting: string[] = [];
  const failed: string[] = [];
  const gone: string[] = [];
  for (const { name, isWell, isOurs: wasOurs } of before) {
    const container = now.get(name);
    if (container === undefined) (wasOurs ? failed : gone).push(`${name} is gone`);
    else if (container.state.running) {
      const trouble = troubleOf(container, isWell);
      if (trouble !== undefined) waiting.push(`${name} ${trouble}`);
    } else if (!mustRun(container)) gone.push(`${name} has ended, and has no restart policy: docker start ${name}`);
    else if (started.has(name))
      failed.push(`${name} was started and ended again, with code ${container.state.exitCode}`);
    else start.push(name);
  }
  return { start, waiting, failed, gone };
}

function troubleOf({ state }: Container, isWell: boolean): string | undefined {
  if (state.status === 'restarting') return `is restarted again and again; its last exit code was ${state.exitCode}`;
  if (state.status === 'paused') return 'is paused';
  if (!isWell || state.health === undefined || state.health === 'healthy') return undefined;
  const said = state.healthOutput === undefined || state.healthOutput === '' ? '' : `: ${state.healthOutput}`;
  return `is ${state.health}${said}`;
}

function mustRun(container: Container): boolean {
  if (new Inspected(container.inspect).flag('HostConfig.AutoRemove')) return false;
  return isOurs(container) || policyOf(container) !== 'no';
}
