import type { Event, EventBody } from '../events/event.ts';
import { noLongerNeeded } from '../model/clock.ts';
import type { RunContext, Voice, Wait, Words } from './context.ts';

/** Ten seconds of silence are the most that is promised; a busy machine is late by some of the tenth. */
const speakAfterMs = 9000;

/** A wait with a limit: says what it is for, at least every 10 s, and knows how long it has lasted. */
export class WaitNotice {
  readonly #context: RunContext;
  readonly #host: string | undefined;
  readonly #startedMs: number;
  #limitMs: number;
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

  /** It may last longer than was thought. */
  prolong(limitMs: number): void {
    this.#limitMs = limitMs;
  }

  /** To be called at every look. Somebody who speaks for the host anyway does so for this wait. */
  say(message: string): void {
    const voice = this.#voice;
    const wait: Wait = { message, startedMs: this.#startedMs, limitMs: this.#limitMs };
    if (voice !== undefined) {
      voice.tell(wait);
      return;
    }
    const nowMs = this.#context.clock.now();
    if (nowMs - this.#saidMs < speakAfterMs) return;
    this.#saidMs = nowMs;
    this.#context.emit(waitingEvent(this.#host, wait, nowMs));
  }

  /** It is over, while what it was a part of may go on. */
  end(): void {
    this.#voice?.tell(undefined);
  }

  get #voice(): Voice | undefined {
    const { voice } = this.#context;
    return voice?.host === this.#host ? voice : undefined;
  }
}

/**
 * Does work, and speaks for it whenever nothing has been said of the host for too long: of the most specific wait that
 * it has been told of, else of `wait`. Within such work, more of the same host share its voice: one line at a time.
 * @param host undefined for the run itself
 * @param wait words of undefined: nothing to say but of what it is told
 */
export async function whileSilent<T>(
  context: RunContext,
  host: string | undefined,
  wait: { readonly message: Words; readonly limitMs: number },
  work: (heard: RunContext) => Promise<T>,
): Promise<T> {
  const own = { ...wait, startedMs: context.clock.now() };
  if (context.voice !== undefined && context.voice.host === host) {
    const inner = context.voice.within(own);
    try {
      return await work({ ...context, voice: inner });
    } finally {
      inner.end();
    }
  }
  const speaker = new Speaker(context, host);
  const voice = speaker.within(own);
  const done = new AbortController();
  // It ends by being aborted, which is no failure.
  speaker.speakUntil(done.signal).catch(() => undefined);
  try {
    return await work({ ...context, emit: (event) => speaker.hear(event), voice });
  } finally {
    done.abort(noLongerNeeded);
  }
}

/** As {@link whileSilent}, for work that goes on already. */
export function withNotice<T>(
  context: RunContext,
  host: string | undefined,
  wait: { readonly message: string; readonly limitMs: number },
  work: Promise<T>,
): Promise<T> {
  return whileSilent(context, host, wait, () => work);
}

interface Scope {
  readonly own: OwnWait;
  told: Wait | undefined;
}

type OwnWait = Omit<Wait, 'message'> & { readonly message: Words };

class Speaker {
  readonly #context: RunContext;
  readonly #host: string | undefined;
  /** Inner ones after outer ones; the one that was told last comes last. */
  readonly #scopes = new Set<Scope>();
  #saidMs: number;

  constructor(context: RunContext, host: string | undefined) {
    this.#context = context;
    this.#host = host;
    this.#saidMs = context.clock.now();
  }

  hear(event: EventBody): void {
    if (!unheard.has(event.type)) this.#saidMs = this.#context.clock.now();
    this.#context.emit(event);
  }

  within(own: OwnWait): Voice & { end(): void } {
    const scope: Scope = { own, told: undefined };
    this.#scopes.add(scope);
    return {
      host: this.#host,
      tell: (wait) => {
        scope.told = wait;
        if (this.#scopes.delete(scope)) this.#scopes.add(scope);
      },
      within: (inner) => this.within(inner),
      end: () => void this.#scopes.delete(scope),
    };
  }

  async speakUntil(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    for (;;) {
      await clock.sleep(Math.max(1, this.#saidMs + speakAfterMs - clock.now()), signal);
      const nowMs = clock.now();
      if (nowMs - this.#saidMs < speakAfterMs) continue;
      const wait = this.#current();
      if (wait === undefined) this.#saidMs = nowMs;
      else this.hear(waitingEvent(this.#host, wait, nowMs));
    }
  }

  #current(): Wait | undefined {
    const scopes = [...this.#scopes];
    const told = scopes.findLast((scope) => scope.told !== undefined)?.told;
    if (told !== undefined) return told;
    const own = scopes.at(-1)?.own;
    const message = typeof own?.message === 'function' ? own.message() : own?.message;
    return own === undefined || message === undefined ? undefined : { ...own, message };
  }
}

/** What only those read who ask for more: no answer to the question whether anything still moves. */
const unheard: ReadonlySet<Event['type']> = new Set([
  'op_started',
  'op_finished',
  'drain_started',
  'node_verified',
  'node_admitted',
  'command_run',
]);

function waitingEvent(host: string | undefined, { message, startedMs, limitMs }: Wait, nowMs: number): EventBody {
  const elapsedMs = nowMs - startedMs;
  return { type: 'waiting', message, elapsedMs, limitMs, ...(host === undefined ? {} : { host }) };
}
