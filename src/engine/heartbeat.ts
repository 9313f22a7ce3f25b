import type { Emit, Event, EventBody } from '../events/event.ts';
import { noLongerNeeded, type Clock } from '../model/clock.ts';

/** Ten seconds of silence are the most that is promised; a busy machine is late by some of the tenth. */
const speakAfterMs = 9000;

/** What is waited for, and how long it may take. */
export interface WaitFor {
  /** What comes after `waiting for`; a function where it changes. Without one the wait is silent until it is told. */
  readonly message?: string | (() => string);
  /** 0 where it is not known. */
  readonly limitMs: number;
}

/**
 * Around the emitter of a run: hears what is said of each host and of the run itself, and speaks wherever nothing has
 * been said for too long while something is waited for; of several waits, of the most specific one.
 */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #emit: Emit;
  /** By host; undefined for the run itself. */
  readonly #voices = new Map<string | undefined, Voice>();
  readonly #speaking = new Set<Voice>();
  #beating: AbortController | undefined;

  constructor(clock: Clock, emit: Emit) {
    this.#clock = clock;
    this.#emit = emit;
  }

  /** What all parts of the run emit with. */
  readonly emit: Emit = (event) => {
    const voice = this.#voices.get('host' in event ? event.host : undefined);
    if (voice !== undefined && !unheard.has(event.type)) voice.saidMs = this.#clock.now();
    this.#emit(event);
  };

  /**
   * Begins a wait, which lasts to the end of the block: `using wait = heartbeat.wait(…)`.
   * @param host undefined for the run itself
   */
  wait(host: string | undefined, { message, limitMs }: WaitFor): Wait {
    const voice = this.#voices.get(host) ?? new Voice(host);
    this.#voices.set(host, voice);
    return new Wait(this.#clock, message, limitMs, voice, () => this.#hear(voice));
  }

  /** The waits of a voice have changed. */
  #hear(voice: Voice): void {
    if (voice.waits.size === 0) this.#voices.delete(voice.host);
    if (!voice.hasWords) this.#speaking.delete(voice);
    else if (!this.#speaking.has(voice)) {
      voice.saidMs = this.#clock.now();
      this.#speaking.add(voice);
    }
    if (this.#speaking.size === 0) {
      this.#beating?.abort(noLongerNeeded);
      this.#beating = undefined;
    } else if (this.#beating === undefined) {
      this.#beating = new AbortController();
      // It ends by being aborted, which is no failure.
      this.#beat(this.#beating.signal).catch(() => undefined);
    }
  }

  async #beat(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const dueMs = Math.min(...[...this.#speaking].map(({ saidMs }) => saidMs)) + speakAfterMs;
      await this.#clock.sleep(Math.max(1, dueMs - this.#clock.now()), signal);
      const nowMs = this.#clock.now();
      for (const voice of this.#speaking) {
        if (nowMs - voice.saidMs < speakAfterMs) continue;
        voice.saidMs = nowMs;
        this.#emit(voice.speak(nowMs));
      }
    }
  }
}

/** A wait with a limit: what it is for, and how long it has lasted. */
export class Wait implements Disposable {
  readonly #clock: Clock;
  readonly #message: WaitFor['message'];
  readonly #voice: Voice;
  readonly #changed: () => void;
  #startedMs: number;
  #limitMs: number;
  #told: string | undefined;

  constructor(clock: Clock, message: WaitFor['message'], limitMs: number, voice: Voice, changed: () => void) {
    this.#clock = clock;
    this.#message = message;
    this.#startedMs = clock.now();
    this.#limitMs = limitMs;
    this.#voice = voice;
    this.#changed = changed;
    this.#voice.waits.add(this);
    this.#changed();
  }

  get startedMs(): number {
    return this.#startedMs;
  }

  get limitMs(): number {
    return this.#limitMs;
  }

  get elapsedMs(): number {
    return this.#clock.now() - this.#startedMs;
  }

  get isOver(): boolean {
    return this.elapsedMs >= this.#limitMs;
  }

  get remainingMs(): number {
    return Math.max(0, this.#limitMs - this.elapsedMs);
  }

  get isTold(): boolean {
    return this.#told !== undefined;
  }

  /** What was told last, else what it was begun with; undefined: nothing to say. */
  get words(): string | undefined {
    return this.#told ?? (typeof this.#message === 'function' ? this.#message() : this.#message);
  }

  /** It may last longer than was thought. */
  prolong(limitMs: number): void {
    this.#limitMs = limitMs;
  }

  /** From here on it is waited for anew, with nothing told yet. */
  restart(): void {
    this.#startedMs = this.#clock.now();
    this.hush();
  }

  /** To be called at every look, with what was seen. */
  say(message: string): void {
    this.#told = message;
    this.#voice.bringForward(this);
    this.#changed();
  }

  /** What was told is over, while the wait may go on. */
  hush(): void {
    this.#told = undefined;
    this.#changed();
  }

  [Symbol.dispose](): void {
    this.#voice.waits.delete(this);
    this.#changed();
  }
}

/** What is waited for on one host, or by the run itself. */
class Voice {
  readonly host: string | undefined;
  /** Inner ones after outer ones; the one that was told last comes last. */
  readonly waits = new Set<Wait>();
  saidMs = 0;

  constructor(host: string | undefined) {
    this.host = host;
  }

  get hasWords(): boolean {
    return this.waits.size > 0 && this.#current !== undefined;
  }

  bringForward(wait: Wait): void {
    if (this.waits.delete(wait)) this.waits.add(wait);
  }

  speak(nowMs: number): EventBody {
    const wait = this.#current;
    return {
      type: 'waiting',
      message: wait?.words ?? '',
      elapsedMs: nowMs - (wait?.startedMs ?? nowMs),
      limitMs: wait?.limitMs ?? 0,
      ...(this.host === undefined ? {} : { host: this.host }),
    };
  }

  /** What has been told beats what a wait was begun with. */
  get #current(): Wait | undefined {
    const waits = [...this.waits];
    return waits.findLast(({ isTold }) => isTold) ?? waits.findLast(({ words }) => words !== undefined);
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
  'traffic_seen',
  'image_progress',
]);
