import { isNoSuchContainer } from '../docker/exec-refusal.ts';
import { linesOf, parseTimedLine, streamLogsCommand, unreadableLog, type LogRange } from '../docker/logs.ts';
import type { Clock } from '../model/clock.ts';
import type { Host } from '../model/host.ts';
import type { Connector } from '../ssh/connect.ts';
import { RemoteError, type Remote } from '../ssh/remote.ts';

/** A container whose log is read. */
export interface LogSource {
  readonly host: Host;
  readonly service: string;
  readonly container: string;
}

export interface LogLine {
  readonly host: string;
  readonly service: string;
  readonly container: string;
  /** RFC 3339, as docker prints it: in the same form everywhere, so that text order is time order. */
  readonly time: string;
  readonly text: string;
}

export interface LogInput {
  readonly connector: Connector;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Hears of what is no line: a connection that is lost or back, a container that is not there. */
  readonly onTrouble: (host: string, message: string) => void;
  /** Resolves when whoever is shown the lines can take more: until then no more are read from the hosts. */
  readonly room?: () => Promise<void>;
}

/** Channels of one connection, below what sshd allows by default. */
const sourcesPerConnection = 7;
const retryMs = 1000;
/** Lines of several hosts are put in order within this time. */
const windowMs = 150;
const mostHeldLines = 5000;

/** The logs of many containers, interleaved by time; hardly anything is held in memory, however long they are. */
export class LogReader {
  readonly #input: LogInput;
  readonly #remotes = new Map<string, Promise<Remote>>();
  readonly #cursors: readonly Cursor[];

  constructor(sources: readonly LogSource[], input: LogInput) {
    this.#input = input;
    const perHost = new Map<string, number>();
    this.#cursors = sources.map((source) => {
      const index = perHost.get(source.host.name) ?? 0;
      perHost.set(source.host.name, index + 1);
      return new Cursor(source, `${source.host.name}#${Math.floor(index / sourcesPerConnection)}`);
    });
  }

  /** Hosts whose logs could not be read to their end. */
  get failed(): ReadonlySet<string> {
    return new Set(this.#cursors.flatMap(({ isFailed, source }) => (isFailed ? [source.host.name] : [])));
  }

  /** What is there now, in the order in which it was written. */
  async *read(range: Omit<LogRange, 'follow'>): AsyncGenerator<LogLine> {
    yield* mergeByTime(this.#cursors.map((cursor) => this.#once(cursor, { ...range, follow: false })));
  }

  /**
   * What there is and what comes, until the signal. A container that ends or is replaced, and a connection that is lost,
   * are gone on with, and no line comes again.
   */
  async follow(range: Omit<LogRange, 'follow'>, show: (line: LogLine) => void): Promise<void> {
    const { signal } = this.#input;
    for await (const line of this.read(range)) {
      if (signal.aborted) return;
      show(line);
      await this.#input.room?.();
    }
    const held = new OrderWindow(show);
    const flushing = this.#flush(held);
    await Promise.all(this.#cursors.map((cursor) => this.#followOne(cursor, range, (line) => held.add(line))));
    await flushing;
    held.flush();
  }

  async #flush(held: OrderWindow): Promise<void> {
    const { clock, signal } = this.#input;
    while (!signal.aborted) {
      await clock.sleep(windowMs, signal).catch(() => undefined);
      held.flush();
    }
  }

  async #followOne(cursor: Cursor, range: Omit<LogRange, 'follow'>, add: (line: LogLine) => void): Promise<void> {
    const { clock, signal } = this.#input;
    while (!signal.aborted) {
      for await (const line of this.#once(cursor, { ...range, follow: true })) {
        add(line);
        await this.#input.room?.();
      }
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }

  /** One reading of a log, without what was read before. It never rejects: what goes wrong is told. */
  async *#once(cursor: Cursor, range: LogRange): AsyncGenerator<LogLine> {
    const { source } = cursor;
    const { signal } = this.#input;
    try {
      const remote = await this.#remote(cursor);
      const process = await remote.spawn(streamLogsCommand(source.container, cursor.rangeFrom(range)));
      process.stderr.resume();
      const close = (): void => process.close();
      signal.addEventListener('abort', close, { once: true });
      try {
        if (signal.aborted) close();
        let said = '';
        for await (const text of linesOf(process.stdout as AsyncIterable<Buffer>)) {
          const timed = parseTimedLine(text);
          if (timed === undefined) said = text;
          else if (cursor.isNew(timed)) {
            this.#tellRecovery(cursor);
            yield { host: source.host.name, service: source.service, container: source.container, ...timed };
          }
        }
        const exitCode = await process.exited;
        this.#ended(cursor, exitCode, said);
      } finally {
        signal.removeEventListener('abort', close);
        close();
      }
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      this.#remotes.delete(cursor.connection);
      if (!signal.aborted) this.#tell(cursor, error.message);
      cursor.isFailed = !signal.aborted;
    }
  }

  #ended(cursor: Cursor, exitCode: number, said: string): void {
    cursor.isFailed = exitCode !== 0 && !this.#input.signal.aborted;
    if (!cursor.isFailed) return;
    const { container } = cursor.source;
    const words = isNoSuchContainer(said)
      ? `there is no container ${container} here.`
      : `${container}: ${unreadableLog(said) ?? (said || `docker logs ended with ${exitCode}`)}`;
    this.#tell(cursor, words);
  }

  /** Once, however often it is tried again, and however many containers of the host it is about. */
  #tell(cursor: Cursor, message: string): void {
    const isTold = this.#withTrouble(cursor, message).length > 0;
    cursor.trouble = message;
    if (!isTold) this.#input.onTrouble(cursor.source.host.name, message);
  }

  #tellRecovery(cursor: Cursor): void {
    const { trouble, source } = cursor;
    if (trouble === undefined) return;
    const all = this.#withTrouble(cursor, trouble);
    for (const each of all) each.trouble = undefined;
    this.#input.onTrouble(source.host.name, `${source.container} is heard again.`);
  }

  /** What has this trouble of a host, which may be that of its connection. */
  #withTrouble({ source }: Cursor, trouble: string): readonly Cursor[] {
    return this.#cursors.filter((each) => each.source.host.name === source.host.name && each.trouble === trouble);
  }

  #remote({ source, connection }: Cursor): Promise<Remote> {
    let remote = this.#remotes.get(connection);
    if (remote === undefined) {
      remote = this.#input.connector.connect(source.host);
      this.#remotes.set(connection, remote);
    }
    return remote;
  }
}

/** How far a log was read. */
class Cursor {
  readonly source: LogSource;
  readonly connection: string;
  isFailed = false;
  trouble: string | undefined;
  #time = '';
  /** Lines of that very time that have been read, and how many of each. */
  #read = new Map<string, number>();
  /** Of those, what a further reading may still meet again. */
  #expected = new Map<string, number>();

  constructor(source: LogSource, connection: string) {
    this.source = source;
    this.connection = connection;
  }

  /** From where the next reading begins: with the last line's time, as more may have come in the same instant. */
  rangeFrom(range: LogRange): LogRange {
    this.#expected = new Map(this.#read);
    if (this.#time === '') return range;
    const { tail: _, ...rest } = range;
    return { ...rest, since: this.#time };
  }

  isNew({ time, text }: Pick<LogLine, 'time' | 'text'>): boolean {
    if (time < this.#time) return false;
    if (time > this.#time) {
      this.#time = time;
      this.#read = new Map();
      this.#expected = new Map();
    }
    const expected = this.#expected.get(text) ?? 0;
    if (expected > 0) {
      this.#expected.set(text, expected - 1);
      return false;
    }
    this.#read.set(text, (this.#read.get(text) ?? 0) + 1);
    return true;
  }
}

/** Lines of sources that are each in order, in one order. */
export async function* mergeByTime(sources: readonly AsyncGenerator<LogLine>[]): AsyncGenerator<LogLine> {
  const heads = new Map<AsyncGenerator<LogLine>, LogLine>();
  const advance = async (source: AsyncGenerator<LogLine>): Promise<void> => {
    const next = await source.next();
    if (next.done === true) heads.delete(source);
    else heads.set(source, next.value);
  };
  await Promise.all(sources.map(advance));
  while (heads.size > 0) {
    const [source, line] = [...heads].reduce((first, other) => (other[1].time < first[1].time ? other : first));
    yield line;
    await advance(source);
  }
}

/** Puts in order what comes within a moment; full, it shows what it has. */
class OrderWindow {
  readonly #show: (line: LogLine) => void;
  #held: LogLine[] = [];

  constructor(show: (line: LogLine) => void) {
    this.#show = show;
  }

  add(line: LogLine): void {
    this.#held.push(line);
    if (this.#held.length >= mostHeldLines) this.flush();
  }

  flush(): void {
    const lines = this.#held.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    this.#held = [];
    for (const line of lines) this.#show(line);
  }
}
