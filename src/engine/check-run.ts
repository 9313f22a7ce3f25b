import pLimit from 'p-limit';
import { askCheck } from '../check/ask.ts';
import type { Judgement } from '../events/event.ts';
import type { Check, CheckAnswer, CheckPhase } from '../model/check.ts';
import { noLongerNeeded } from '../model/clock.ts';
import {
  emptyTally,
  firstStanding,
  isOpen,
  standingOf,
  tallied,
  withChecks,
  type Standing,
  type Tally,
} from '../plan/checks.ts';
import type { RunContext } from './context.ts';
import type { Node, Tier } from './node.ts';

/** Asked at once; more wait for their turn. */
const mostAtOnce = 8;
const askAgainMs = 2000;
/** How often a check that says nothing is asked at the end, before that is what it says. */
const lastTries = 3;

/** A question that is asked for one host or several: the same words are asked once. */
interface Asked {
  readonly check: Check;
  readonly hosts: string[];
  tally: Tally;
}

/** The checks of a play over one phase, asked beside whatever else goes on. */
export class CheckRun {
  readonly #phase: CheckPhase;
  readonly #play: string;
  readonly #context: RunContext;
  readonly #asked = new Map<string, Asked>();
  readonly #ended = new AbortController();
  readonly #limit = pLimit(mostAtOnce);

  constructor(phase: CheckPhase, tier: Tier, context: RunContext) {
    this.#phase = phase;
    this.#play = tier.play.name;
    this.#context = context;
  }

  /** From now on the checks of these nodes are asked. */
  watch(nodes: readonly Node[]): void {
    for (const { name, desired } of nodes) {
      for (const check of desired.checks ?? []) {
        if (!check.during.includes(this.#phase)) continue;
        // Secrets show their names only, which tell them apart as well.
        const key = JSON.stringify(check);
        const known = this.#asked.get(key);
        if (known?.hosts.includes(name) === true) continue;
        if (known !== undefined) {
          known.hosts.push(name);
          continue;
        }
        const asked: Asked = { check, hosts: [name], tally: emptyTally };
        this.#asked.set(key, asked);
        // It ends by being aborted, which is no failure.
        this.#keepAsking(asked).catch(() => undefined);
      }
    }
  }

  /** Why what is checked has failed; undefined while it has not. */
  get failure(): string | undefined {
    return firstStanding(this.#standings, 'failed');
  }

  /** Another look at the end, of all: a verdict is about the whole time. @returns the finding, with what the checks say */
  async conclude<F extends Pick<Judgement, 'verdict' | 'reason'>>(
    finding: F,
    options: { readonly hasBalancer: boolean },
  ) {
    if (isOpen(finding)) await Promise.all(this.#counting.map((asked) => this.#askLast(asked)));
    return withChecks(finding, this.#standings, options);
  }

  end(): void {
    this.#ended.abort(noLongerNeeded);
  }

  get #counting(): readonly Asked[] {
    return [...this.#asked.values()].filter(({ check }) => !check.isDryRun);
  }

  get #standings(): readonly Standing[] {
    return this.#counting.map(({ check, hosts, tally }) => ({ check: check.name, hosts, ...standingOf(check, tally) }));
  }

  async #keepAsking(asked: Asked): Promise<void> {
    const { clock } = this.#context;
    for (;;) {
      const { outcome } = await this.#ask(asked);
      const { everyMs } = asked.check;
      await clock.sleep(outcome === 'unanswered' ? Math.min(everyMs, askAgainMs) : everyMs, this.#ended.signal);
    }
  }

  async #askLast(asked: Asked): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const { outcome } = await this.#ask(asked);
      if (outcome !== 'unanswered' || tries === lastTries || this.#context.interrupt.isRequested) return;
      await this.#context.clock.sleep(Math.min(asked.check.everyMs, askAgainMs), this.#context.interrupt.soon);
    }
  }

  async #ask(asked: Asked): Promise<CheckAnswer> {
    const answer = await this.#limit(() => askCheck(asked.check, this.#ended.signal));
    if (this.#ended.signal.aborted) return answer;
    const before = asked.tally.last;
    asked.tally = tallied(asked.tally, answer);
    // A check that goes on passing has nothing new to say.
    if (answer.outcome !== 'passed' || before?.outcome !== 'passed') this.#say(asked, answer);
    return answer;
  }

  #say({ check, hosts, tally }: Asked, { outcome, message }: CheckAnswer): void {
    this.#context.emit({
      type: 'check_result',
      play: this.#play,
      check: check.name,
      hosts: [...hosts],
      phase: this.#phase,
      outcome,
      message,
      failures: tally.failures,
      failureLimit: check.failureLimit,
      ...(check.isDryRun ? { dryRun: true } : {}),
    });
  }
}
