import { amountOf, type Strategy } from '../model/strategy.ts';

/** Hosts updated first, alone: never all of several, and at least one where any is asked for. */
export function canaryCount({ canary }: Pick<Strategy, 'canary'>, nodes: number, changing: number): number {
  const wanted = amountOf(canary.hosts, nodes);
  const atLeast = 'percent' in canary.hosts && canary.hosts.percent > 0 ? 1 : 0;
  return Math.min(Math.max(atLeast, wanted), changing);
}

/** Nodes out at once: percentages round down, to at least 1. */
export function maxUnavailable(strategy: Pick<Strategy, 'maxUnavailable'>, nodes: number): number {
  return Math.max(1, amountOf(strategy.maxUnavailable, nodes));
}

/**
 * Nodes that must show UP besides the one leaving. A percentage is of all hosts of the play: those that `--limit` leaves
 * out carry its traffic as well, and a run of one host is not to be one without a minimum.
 */
export function minAvailable(strategy: Pick<Strategy, 'minAvailable'>, hosts: number): number {
  return amountOf(strategy.minAvailable, hosts);
}

/** How many nodes may fail. One bad canary is enough: a budget for failures is for hosts, not for versions. */
export function failureBudget(
  strategy: Pick<Strategy, 'maxFailures'>,
  role: 'canary' | 'fan_out',
  nodes: number,
): number {
  return role === 'canary' ? 0 : amountOf(strategy.maxFailures, nodes);
}
