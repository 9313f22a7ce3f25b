/** How often a server is checked, and how many results in a row change its mind. */
export interface CheckPolicy {
  readonly intervalMs: number;
  readonly fall: number;
  readonly rise: number;
}

export type AdminState = 'ready' | 'drain' | 'maint';

export interface CheckResult {
  readonly passed: boolean;
  /** As HAProxy codes it: `L7OK`, `L7STS`, `L4CON`, `L4TOUT`. */
  readonly code: string;
  readonly httpStatus?: number;
  readonly durationMs: number;
}

/**
 * HAProxy's state of one server. `health` counts as HAProxy's does: below `rise` the server is down, from `rise` on it
 * is up, and `rise + fall - 1` is the top.
 */
export class ServerHealth {
  readonly #policy: CheckPolicy;
  #admin: AdminState = 'ready';
  #health: number;
  #changedAtMs: number;
  lastCheck: CheckResult | undefined;
  failedChecks = 0;
  timesDown = 0;

  constructor(policy: CheckPolicy, nowMs: number) {
    this.#policy = policy;
    // Up from the first moment, but down at the first failure.
    this.#health = policy.rise;
    this.#changedAtMs = nowMs;
  }

  get admin(): AdminState {
    return this.#admin;
  }

  get isUp(): boolean {
    return this.#health >= this.#policy.rise;
  }

  /** Takes new requests. */
  get isUsable(): boolean {
    return this.isUp && this.#admin === 'ready';
  }

  get isChecked(): boolean {
    return this.#admin !== 'maint';
  }

  get health(): number {
    return this.#health;
  }

  get changedAtMs(): number {
    return this.#changedAtMs;
  }

  /** As the stats page shows it. */
  get status(): string {
    if (this.#admin === 'maint') return 'MAINT';
    const { rise, fall } = this.#policy;
    if (!this.isUp) return this.#health === 0 ? 'DOWN' : `DOWN ${this.#health}/${rise}`;
    const word = this.#admin === 'drain' ? 'DRAIN' : 'UP';
    const isFalling = this.#health < rise + fall - 1;
    return isFalling && word === 'UP' ? `UP ${this.#health - rise + 1}/${fall}` : word;
  }

  setAdmin(state: AdminState, nowMs: number): void {
    if (this.#admin === 'maint' && state !== 'maint') this.#health = this.#policy.rise;
    if (this.#admin !== state) this.#changedAtMs = nowMs;
    this.#admin = state;
  }

  apply(result: CheckResult, nowMs: number): void {
    this.lastCheck = result;
    const { rise, fall } = this.#policy;
    const wasUp = this.isUp;
    if (result.passed) {
      this.#health += 1;
      if (this.#health >= rise) this.#health = rise + fall - 1;
    } else if (this.#health > rise) {
      this.#health -= 1;
      this.failedChecks += 1;
    } else {
      if (wasUp) this.failedChecks += 1;
      this.#health = 0;
    }
    if (this.isUp === wasUp) return;
    this.#changedAtMs = nowMs;
    if (wasUp) this.timesDown += 1;
  }
}
