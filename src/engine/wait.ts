import { noLongerNeeded } from '../model/clock.ts';
import type { RunContext } from './context.ts';

/** The longest that a run says nothing of a host that it waits for. */
const longestSilenceMs = 10_000;
/** A wait speaks a little earlier, so that it is heard in time however seldom it looks. */
const noticeIntervalMs = 9000;

/** Says, at least every 10 s, what a wait is for, how long it has lasted and when it ends. */
export class WaitNotice {
  readonly #context: RunContext;
  readonly #host: string | undefined;
  readonly #startedMs: number;
  readonly #limitMs: number;
  #saidMs: number;

  constructor(context: RunContext, host: string | undefined, limitMs: number) {
    this.#context = context;
    this.#host = host;
    this.#startedMs = context.clock.now();
    this.#saidMs = this.#startedMs;
    this.#limitMs = limitMs;
  }

  get elapsedMs(): number {
    return this.#context.clock.now() - this.#startedMs;
  }

  get isOver(): boolean {
    return this.elapsedMs >= this.#limitMs;
  }

  get remainingMs(): number {
    return Math.max(0, this.#limitMs - this.elapsedMs);
  }

  say(message: string): void {
    const nowMs = this.#context.clock.now();
    if (nowMs - this.#saidMs < noticeIntervalMs) return;
    this.#saidMs = nowMs;
    this.#context.emit({
      type: 'waiting',
      message,
      elapsedMs: nowMs - this.#startedMs,
      limitMs: this.#limitMs,
      ...(this.#host === undefined ? {} : { host: this.#host }),
    });
  }
}

/**
 * Does work that may say something of the host by itself, with the context it is given, and speaks for it when it has
 * been silent for too long: a command on a connection that has just died says nothing.
 */
export async function whileSilent<T>(
  context: RunContext,
  host: string,
  wait: { message: string; limitMs: number },
  work: (heard: RunContext) => Promise<T>,
): Promise<T> {
  const startedMs = context.clock.now();
  let saidMs = startedMs;
  let { message } = wait;
  const emit: RunContext['emit'] = (event) => {
    saidMs = context.clock.now();
    if (event.type === 'waiting') message = event.message;
    context.emit(event);
  };
  const done = new AbortController();
  const speaking = (async () => {
    for (;;) {
      await context.clock.sleep(saidMs + longestSilenceMs - context.clock.now(), done.signal);
      const nowMs = context.clock.now();
      if (nowMs - saidMs >= longestSilenceMs)
        emit({ type: 'waiting', host, ...wait, message, elapsedMs: nowMs - startedMs });
    }
  })();
  // It ends by being aborted, which is no failure.
  speaking.catch(() => undefined);
  try {
    return await work({ ...context, emit });
  } finally {
    done.abort(noLongerNeeded);
  }
}

/** Awaits work that is silent by itself, and says what is waited for meanwhile. */
export async function withNotice<T>(
  context: RunContext,
  host: string,
  wait: { message: string; limitMs: number },
  work: Promise<T>,
): Promise<T> {
  const notice = new WaitNotice(context, host, wait.limitMs);
  const done = new AbortController();
  const ticking = (async () => {
    for (;;) {
      await context.clock.sleep(noticeIntervalMs, done.signal);
      notice.say(wait.message);
    }
  })();
  // It ends by being aborted, which is no failure.
  ticking.catch(() => undefined);
  try {
    return await work;
  } finally {
    done.abort(noLongerNeeded);
  }
}
