import type { Clock } from '../../model/clock.ts';
import type { Container } from './container.ts';

export interface DockerEvent {
  readonly atMs: number;
  readonly action: string;
  readonly id: string;
  readonly image: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

const keptEvents = 256;

/** What `docker events` shows: the daemon's last events, and those to come. */
export class EventLog {
  readonly #clock: Clock;
  readonly #listeners = new Map<(event: DockerEvent) => void, () => void>();
  #kept: DockerEvent[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  emit(action: string, container: Container, extra: Readonly<Record<string, string>> = {}): void {
    const image = container.spec.image;
    const attributes = { ...container.spec.labels, ...extra, image, name: container.name };
    const event = { atMs: this.#clock.now(), action, id: container.id, image, name: container.name, attributes };
    this.#kept.push(event);
    if (this.#kept.length > keptEvents) this.#kept = this.#kept.slice(-keptEvents);
    for (const listener of this.#listeners.keys()) listener(event);
  }

  since(sinceMs: number): readonly DockerEvent[] {
    return this.#kept.filter(({ atMs }) => atMs >= sinceMs);
  }

  /** Until the signal, or the daemon's end. */
  follow(listener: (event: DockerEvent) => void, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.#listeners.delete(listener);
        resolve();
      };
      this.#listeners.set(listener, end);
      signal.addEventListener('abort', end, { once: true });
    });
  }

  disconnect(): void {
    for (const end of [...this.#listeners.values()]) end();
  }
}
