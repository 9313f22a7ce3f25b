/** A count of nodes or a share of them, as Kubernetes' maxUnavailable. */
export type Amount = { readonly count: number } | { readonly percent: number };

/** How many of `total` an amount means; percentages round down. */
export function amountOf(amount: Amount, total: number): number {
  return 'count' in amount ? amount.count : Math.floor((total * amount.percent) / 100);
}

/** As it is written: `25%`, `2`. */
export function formatAmount(amount: Amount): string {
  return 'count' in amount ? String(amount.count) : `${amount.percent}%`;
}

export interface CanaryPolicy {
  readonly hosts: Amount;
  readonly bakeMs: number;
  /** How long the bake may go on where there is too little to judge by; `bakeMs` or more. */
  readonly bakeMaxMs: number;
  /** What a bake that cannot be judged leads to. */
  readonly onInconclusive: 'continue' | 'pause' | 'fail';
  readonly promote: 'auto' | 'manual';
  /** Below this many requests to the canary the verdict is inconclusive. */
  readonly minRequests: number;
  /** How much higher than its peers' the canary's error ratio may be: 0.002 is 0.2 percentage points. */
  readonly maxErrorRatio: number;
  /** How many times its peers' mean response time the canary's may be; undefined: not judged. */
  readonly maxLatencyRatio?: number;
}

/** In which order the old and the new container of a service stop and start. */
export type OrderName = 'stop-first';

export interface Strategy {
  /** stop-first where it is not given. */
  readonly order?: OrderName;
  readonly canary: CanaryPolicy;
  /** After the canary: how much of the fleet, or of each zone, is updated before a bake; each more than the one before. */
  readonly stages: readonly Amount[];
  /** One zone after the other; which zone a host is in says `HostDesired.zone`. Undefined: the play is one. */
  readonly zones?: { readonly bakeMs: number };
  /** How long the updated nodes are judged after the last one; 0: not at all. */
  readonly soakMs: number;
  /** Nodes out of rotation at once, of each zone where there are zones; at least 1 after rounding. */
  readonly maxUnavailable: Amount;
  /** Nodes that every balancer must show UP besides the one leaving. */
  readonly minAvailable: Amount;
  /** Failed nodes that a run tolerates; one more stops it. Unreachable hosts count. */
  readonly maxFailures: Amount;
  readonly minHealthyTimeMs: number;
  readonly healthyDeadlineMs: number;
  readonly progressDeadlineMs: number;
  readonly drain: { readonly timeoutMs: number; readonly onTimeout: 'force' | 'fail' };
  readonly onFailure: 'rollback' | 'pause' | 'continue';
}
