import type { WatchEvent, WatchEventBody, WatchHold } from '../../events/watch-event.ts';
import type { Clock } from '../../model/clock.ts';

/** Silence is broken so often, to show that the watch lives. */
const heartbeatMs = 15 * 60_000;

/** Says each thing when it becomes so, and not with every look that finds it so still. */
export class WatchSpeaker {
  readonly #clock: Clock;
  readonly #emit: (event: WatchEvent) => void;
  /** By tag: the digest and the reason that were said. */
  readonly #holds = new Map<string, string>();
  /** By subject. */
  readonly #troubles = new Map<string, string>();
  #spokenMs: number;
  #looks = 0;

  constructor(clock: Clock, emit: (event: WatchEvent) => void) {
    this.#clock = clock;
    this.#emit = emit;
    this.#spokenMs = clock.now();
  }

  readonly say = (body: WatchEventBody): void => {
    const at = this.#clock.now();
    this.#spokenMs = at;
    this.#emit({ v: 1, at, ...body });
  };

  hold(hold: WatchHold): void {
    const said = `${hold.digest} ${hold.reason}`;
    if (this.#holds.get(hold.tag) === said) return;
    this.#holds.set(hold.tag, said);
    this.say({ type: 'watch_held', hold });
  }

  trouble(subject: string, message: string, nextMs?: number): void {
    if (this.#troubles.get(subject) === message) return;
    this.#troubles.set(subject, message);
    this.say({ type: 'watch_trouble', subject, message, ...(nextMs === undefined ? {} : { nextMs }) });
  }

  /** Whatever was said of it has ended. */
  recovered(subject: string): void {
    if (this.#troubles.delete(subject)) this.say({ type: 'watch_recovered', subject });
  }

  /** After each look. */
  looked(tags: number): void {
    this.#looks += 1;
    if (this.#clock.now() - this.#spokenMs < heartbeatMs) return;
    this.say({ type: 'watch_heartbeat', looks: this.#looks, tags });
    this.#looks = 0;
  }
}
