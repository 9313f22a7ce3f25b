const window = 1_024;

/** A mean over about the last 1,024 values, kept as HAProxy keeps it. */
class SlidingMean {
  #sum = 0;
  #count = 0;

  add(value: number): void {
    this.#sum += value - Math.ceil(this.#sum / window);
    this.#count += 1;
  }

  get value(): number {
    const samples = Math.min(this.#count, window);
    return samples === 0 ? 0 : Math.floor((this.#sum + samples - 1) / samples);
  }
}

/** What the stats page counts, for a server, the front end or the backend; forgotten by a reload. */
export class Counters {
  sessions = 0;
  sessionsMax = 0;
  sessionsTotal = 0;
  requests = 0;
  connectionErrors = 0;
  responseErrors = 0;
  retries = 0;
  redispatches = 0;
  bytesIn = 0;
  bytesOut = 0;
  clientAborts = 0;
  lastSessionAtMs: number | undefined;
  /** Responses by their first digit; `[0]` is for anything else. */
  readonly responses = [0, 0, 0, 0, 0, 0];
  readonly #responseTime = new SlidingMean();
  readonly #totalTime = new SlidingMean();

  constructor(openSessions = 0) {
    this.sessions = openSessions;
  }

  get responseTimeMs(): number {
    return this.#responseTime.value;
  }

  get totalTimeMs(): number {
    return this.#totalTime.value;
  }

  open(nowMs: number): void {
    this.sessions += 1;
    this.sessionsTotal += 1;
    this.sessionsMax = Math.max(this.sessionsMax, this.sessions);
    this.lastSessionAtMs = nowMs;
  }

  close(): void {
    // A reload starts at zero while old sessions end.
    this.sessions = Math.max(0, this.sessions - 1);
  }

  respond(status: number): void {
    const first = Math.floor(status / 100);
    const index = first >= 1 && first <= 5 ? first : 0;
    this.responses[index] = (this.responses[index] ?? 0) + 1;
  }

  time(responseMs: number, totalMs: number): void {
    this.#responseTime.add(responseMs);
    this.#totalTime.add(totalMs);
  }
}
