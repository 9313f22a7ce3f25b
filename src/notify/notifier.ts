import { createFold } from '../events/fold.ts';
import type { Event } from '../events/event.ts';
import type { NotifyTarget } from '../model/notify.ts';
import { kindsOf, messageOf, type Message } from './message.ts';
import { send } from './send.ts';

/** Of one run to one target: a fleet whose nodes fail one by one floods nobody. The end is told in any case. */
export const mostMessages = 20;

/** Tells targets of a run while it goes on: in order, and never in its way. */
export class Notifier {
  readonly #targets: readonly Line[];
  readonly #about: { readonly name: string; readonly playbook: string };
  readonly #fold = createFold();

  /** @param warn hears of what could not be told */
  constructor(
    targets: readonly NotifyTarget[],
    about: { readonly name: string; readonly playbook: string },
    warn: (message: string) => void,
  ) {
    this.#targets = targets.map((target, index) => new Line(target, `notify[${index}] (${target.kind})`, warn));
    this.#about = about;
  }

  /** An event without secrets. */
  see(event: Event): void {
    if (this.#targets.length === 0) return;
    this.#fold.apply(event);
    const kinds = kindsOf(event);
    for (const line of this.#targets) {
      const kind = kinds.find((each) => line.target.on.includes(each));
      if (kind !== undefined)
        line.add(messageOf(kind, event, this.#fold.state, this.#about), event.type === 'run_finished');
    }
  }

  /** Resolves when everybody has been told, or cannot be. */
  async close(): Promise<void> {
    await Promise.all(this.#targets.map((line) => line.isEmpty()));
  }
}

class Line {
  readonly target: NotifyTarget;
  readonly #name: string;
  readonly #warn: (message: string) => void;
  #sent = 0;
  #isBroken = false;
  #last: Promise<void> = Promise.resolve();

  constructor(target: NotifyTarget, name: string, warn: (message: string) => void) {
    this.target = target;
    this.#name = name;
    this.#warn = warn;
  }

  add(message: Message, isEnd: boolean): void {
    this.#sent += 1;
    if (this.#sent > mostMessages && !isEnd) return;
    this.#last = this.#last.then(async () => {
      // One that does not answer is asked once more, at the end: a queue of deadlines would hold up the process.
      if (this.#isBroken && !isEnd) return;
      const why = await send(message, this.target);
      this.#isBroken = why !== undefined;
      if (why !== undefined)
        this.#warn(`${this.#name} could not be told that the run has ${words[message.event]}: ${why}`);
    });
  }

  isEmpty(): Promise<void> {
    return this.#last;
  }
}

const words: Readonly<Record<Message['event'], string>> = {
  started: 'started',
  finished: 'finished',
  changed: 'finished',
  failed: 'failed',
  paused: 'paused',
  interrupted: 'been interrupted',
  node_failed: 'a node that failed',
};
