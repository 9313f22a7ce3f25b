import { expect, test } from 'vitest';
import { ChannelSlots } from '../../../src/ssh/channel-slots.ts';

/** Turns of the event loop, enough for everything that has been settled to be seen. */
async function turns(): Promise<void> {
  for (let count = 0; count < 20; count++) await new Promise((resolve) => setImmediate(resolve));
}

/** As sshd: it takes what has come all at once, and only then clears away the sessions that have ended. */
class Server {
  readonly #most: number;
  #counted = 0;
  #cleared = 0;
  refusals = 0;
  mostOpen = 0;
  readonly #asked: { readonly channel: Channel; readonly answer: (error: Error | undefined) => void }[] = [];
  readonly #open = new Set<Channel>();

  constructor(most: number) {
    this.#most = most;
  }

  open = (): Promise<Channel> =>
    new Promise((resolve, reject) => {
      const channel = new Channel();
      this.#asked.push({ channel, answer: (error) => (error === undefined ? resolve(channel) : reject(error)) });
    });

  get openChannels(): readonly Channel[] {
    return [...this.#open];
  }

  /** Its client hears of the end; the session still counts. */
  end(channel: Channel): void {
    this.#open.delete(channel);
    this.#cleared += 1;
    channel.finish();
  }

  /** Takes all that was asked for until now. */
  take(): void {
    const asked = this.#asked.splice(0);
    for (const { channel, answer } of asked) {
      if (this.#counted >= this.#most) {
        this.refusals += 1;
        answer(new Error('(SSH) Channel open failure: open failed'));
        continue;
      }
      this.#counted += 1;
      this.#open.add(channel);
      this.mostOpen = Math.max(this.mostOpen, this.#open.size);
      answer(undefined);
    }
    this.#counted -= this.#cleared;
    this.#cleared = 0;
  }
}

class Channel {
  #finish: () => void = () => undefined;
  readonly ended = new Promise<void>((resolve) => (this.#finish = resolve));

  finish(): void {
    this.#finish();
  }
}

const start = (slots: ChannelSlots, server: Server, options: { isLasting?: boolean; signal?: AbortSignal } = {}) =>
  slots.run(server.open, (channel) => channel.ended, { isLasting: false, abandon: () => undefined, ...options });

/** All that are open end at once, again and again, until `count` have been opened; what became of each. */
async function runAll(slots: ChannelSlots, server: Server, count: number): Promise<readonly string[]> {
  const results: string[] = [];
  const all = Array.from({ length: count }, () =>
    start(slots, server).then(
      () => results.push('ran'),
      (error: unknown) => results.push(String(error)),
    ),
  );
  for (let round = 0; results.length < count && round < 10 * count; round++) {
    await turns();
    server.take();
    await turns();
    for (const channel of server.openChannels) server.end(channel);
  }
  await Promise.all(all);
  return results;
}

test.each([1, 2, 3, 5, 9, 12])('thirty on a server that allows %i at a time all run once', async (most) => {
  const server = new Server(most);
  expect(await runAll(new ChannelSlots(9), server, 30)).toEqual(Array.from({ length: 30 }, () => 'ran'));
});

test('a server of ten that has not yet cleared away what ended does not lower the limit', async () => {
  const server = new Server(10);
  const slots = new ChannelSlots(9);
  await runAll(slots, server, 27);
  expect(server.refusals).toBeGreaterThan(0);
  server.mostOpen = 0;
  server.refusals = 0;
  server.take();
  const later = Array.from({ length: 9 }, () => start(slots, server));
  await turns();
  server.take();
  await Promise.all(later);
  expect({ mostOpen: server.mostOpen, refusals: server.refusals }).toEqual({ mostOpen: 9, refusals: 0 });
});

test('where only a lasting one is open, what the server refuses is refused', async () => {
  const server = new Server(1);
  const slots = new ChannelSlots(9);
  const lock = start(slots, server, { isLasting: true });
  await turns();
  server.take();
  await lock;
  const second = start(slots, server);
  const refusal = expect(second).rejects.toThrow('Channel open failure');
  await turns();
  server.take();
  await refusal;
  expect(server.refusals).toBe(1);
});

test('and also where others have ended before: it is asked for once more, and not again', async () => {
  const server = new Server(2);
  const slots = new ChannelSlots(9);
  const first = start(slots, server);
  await turns();
  server.take();
  server.end(await first);
  await turns();
  server.take();
  // Two of another program's.
  void server.open();
  void server.open();
  server.take();
  const later = start(slots, server);
  const refusal = expect(later).rejects.toThrow('Channel open failure');
  for (let round = 0; round < 5; round++) {
    await turns();
    server.take();
  }
  await refusal;
  expect(server.refusals).toBe(2);
});

test('one that is given up while it waits for another’s end does not open', async () => {
  const server = new Server(1);
  const slots = new ChannelSlots(9);
  const first = start(slots, server);
  const controller = new AbortController();
  const second = start(slots, server, { signal: controller.signal });
  const aborted = expect(second).rejects.toThrow('given up');
  await turns();
  server.take();
  await turns();
  controller.abort(new Error('given up'));
  await aborted;
  server.end(await first);
  await turns();
  server.take();
  expect(server.openChannels).toEqual([]);
});
