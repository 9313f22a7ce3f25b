import type { Docker } from '../docker/docker.ts';
import { PullReader, sumOfPull, type LayerSizes } from '../docker/pull-output.ts';
import type { EventBody, ImageProgress } from '../events/event.ts';
import { noLongerNeeded } from '../model/clock.ts';
import type { ImageRef } from '../model/image.ts';
import type { RegistryCredentials } from '../model/play.ts';
import type { RunContext } from './context.ts';

/** Shorter ones are not told of. */
const longMs = 2000;
const everyMs = 1000;
const mostASecond = 50;
/** What has not changed is told again. */
const repeatMs = 9000;
const recentMs = 10_000;

/** How far something has come; undefined while nothing is known. */
type Reading = Pick<ImageProgress, 'layers' | 'doneBytes' | 'totalBytes'> | undefined;

interface TransferSource {
  readonly host: string;
  readonly image: string;
  readonly by: ImageProgress['by'];
  /** Told once it turns out to take long: what costs a request is asked then. */
  readonly onLong?: () => void;
  read(): Reading;
  /** What is read grows all the time, and not in leaps: then the speed of the last seconds says more than that of all. */
  readonly isSmooth: () => boolean;
}

/** The images under way: each takes long only where it does, and all of them together speak 50 times a second at most. */
export class Transfers {
  readonly #context: Pick<RunContext, 'clock' | 'emit'>;
  #going = 0;

  constructor(context: Pick<RunContext, 'clock' | 'emit'>) {
    this.#context = context;
  }

  /** Tells how far it has come, from here to the end of the block: `using _ = transfers.watch(…)`. */
  watch(source: TransferSource): Disposable {
    const end = new AbortController();
    this.#going += 1;
    // It ends by being aborted, which is no failure.
    this.#tell(source, end.signal).catch(() => undefined);
    return {
      [Symbol.dispose]: () => {
        this.#going -= 1;
        end.abort(noLongerNeeded);
      },
    };
  }

  async #tell(source: TransferSource, signal: AbortSignal): Promise<void> {
    const { clock, emit } = this.#context;
    const { host, image, by, isSmooth } = source;
    const startedMs = clock.now();
    const speed = new Speed(startedMs);
    await clock.sleep(longMs, signal);
    source.onLong?.();
    let said = '';
    let saidMs = Number.NEGATIVE_INFINITY;
    for (;;) {
      const nowMs = clock.now();
      const reading = source.read();
      if (reading !== undefined) {
        const rate = speed.after(nowMs, reading.doneBytes, isSmooth() ? 'recent' : 'all');
        const news = { ...reading, ...(rate === undefined ? {} : { bytesPerSecond: rate }) };
        const text = JSON.stringify(reading);
        if (text !== said || nowMs - saidMs >= repeatMs) {
          [said, saidMs] = [text, nowMs];
          emit({ type: 'image_progress', host, image, by, ...news, durationMs: nowMs - startedMs } satisfies EventBody);
        }
      }
      await clock.sleep(Math.max(everyMs, (this.#going / mostASecond) * 1000), signal);
    }
  }
}

interface PullTarget {
  readonly host: string;
  readonly docker: Pick<Docker, 'pull'>;
  readonly credentials: RegistryCredentials | undefined;
  readonly platform?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Sizes of its layers; asked once it turns out to take long. */
  readonly sizes?: () => Promise<LayerSizes | undefined>;
}

/** Brings an image to a host, and tells how far it has come where that takes long. @throws DockerError, RemoteError */
export async function pullTold(
  image: ImageRef,
  { host, docker, credentials, platform, sizes, signal }: PullTarget,
  transfers: Transfers | undefined,
): Promise<void> {
  const reader = new PullReader();
  let known: LayerSizes | undefined;
  using _watch = transfers?.watch({
    host,
    image: image.written,
    by: 'pull',
    isSmooth: () => reader.tellsBytes,
    onLong: () =>
      void sizes?.().then(
        (found) => (known = found),
        () => undefined,
      ),
    read: () => {
      if (reader.layers.size === 0) return undefined;
      const { layers, bytes } = sumOfPull(reader.layers, known);
      return { layers, ...(bytes === undefined ? {} : { doneBytes: bytes.done, totalBytes: bytes.total }) };
    },
  });
  await docker.pull(image, credentials, { platform, signal, onProgress: (chunk) => reader.read(chunk) });
}

/** Bytes a second, as a whole number. */
class Speed {
  readonly #startedMs: number;
  #recent: { readonly atMs: number; readonly bytes: number }[];

  constructor(startedMs: number) {
    this.#startedMs = startedMs;
    this.#recent = [{ atMs: startedMs, bytes: 0 }];
  }

  /** @param over since it began, or over the last ten seconds where that is shorter */
  after(atMs: number, bytes: number | undefined, over: 'recent' | 'all'): number | undefined {
    if (bytes === undefined) return undefined;
    this.#recent = this.#recent.filter((sample) => sample.atMs >= atMs - recentMs);
    const first = over === 'all' ? { atMs: this.#startedMs, bytes: 0 } : this.#recent[0];
    this.#recent.push({ atMs, bytes });
    if (first === undefined || atMs <= first.atMs) return undefined;
    return Math.max(0, Math.round(((bytes - first.bytes) / (atMs - first.atMs)) * 1000));
  }
}
