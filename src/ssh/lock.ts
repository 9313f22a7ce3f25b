import { randomBytes } from 'node:crypto';
import { within, type Clock } from '../model/clock.ts';
import { describeHolder, goingOn, parseHolder, type FoundHolder, type LockHolder } from './lock-holder.ts';
import { LockOutput, type LockReport } from './lock-output.ts';
import { lockFolders, lockScript, reportSeconds, rootFolder, rootStateFolder } from './lock-script.ts';
import { printable } from './printable.ts';
import { RemoteError, type Remote, type RemoteProcess } from './remote.ts';

/** A host's lock, held for as long as its channel is open. */
export interface HeldLock {
  /** Resolves when the lock is gone without having been released: the connection was lost, or the host let go. */
  readonly lost: Promise<RemoteError>;
  /**
   * Of the command that was to run with it, for the first who asks; undefined where there was none, and where the
   * connection was lost before its end.
   */
  takeReport(): Promise<LockReport | undefined>;
  /** Says to whoever is turned away that its run has all its hosts. */
  goOn(): void;
  /** Keeps a file on the host, for its user alone; one that cannot be written is no error, and heard of in `unkept`. */
  keep(file: KeptFile): void;
  /** Resolves when the host could not keep a file. */
  readonly unkept: Promise<void>;
  release(): Promise<void>;
}

/** Something that is to lie on the host, beside others of its kind. */
export interface KeptFile {
  /** Below the folder of this program. */
  readonly folder: 'runs' | 'bad';
  /** Letters, digits, dots and dashes. */
  readonly name: string;
  /** One line. */
  readonly text: string;
}

/** Of each folder so many files stay, those whose names sort last. */
export const mostKept = 50;

export interface LockOptions {
  /** Runs on the host once the lock is held, in the same round trip; its stderr is dropped. */
  readonly report?: readonly string[];
  /** Where the lock's file may be; the first that is writable for everyone. */
  readonly folders?: readonly string[];
  /** Where it is for root. */
  readonly ownFolder?: string;
  /** Where root's files are kept. */
  readonly stateFolder?: string;
}

/** Who has a lock, as the host's kernel knows it; `?` where it does not say. */
export interface LockProcess {
  readonly pid: string;
  readonly user: string;
  readonly file: string;
}

export type { LockHolder } from './lock-holder.ts';

/** Another run holds the host, or somebody who holds its lock. */
export class LockedError extends Error {
  readonly host: string;
  /** `run 20261121-1504 of alice from laptop, since 2026-11-21T15:04:05Z`: as the holder says. */
  readonly holder: string;
  readonly run: string | undefined;
  /** The name that the holder knows the host by. */
  readonly heldAs: string | undefined;
  /** Epoch milliseconds. */
  readonly since: number | undefined;
  /** It has said nothing yet: it has only just come, or is no run. */
  readonly isUnnamed: boolean;
  /** It has all its hosts, and gives this one back only at its end. */
  readonly isGoingOn: boolean;
  /** What the kernel says; undefined where it says nothing. */
  readonly process: LockProcess | undefined;
  /** The same in words, and what to do where the holder is no run. */
  readonly hint: string | undefined;

  constructor(host: string, holder: FoundHolder | undefined, text: string, process?: LockProcess) {
    const said = printable(text);
    const unnamed =
      said === '' ? 'another run, which has not said which yet' : `somebody who writes ${JSON.stringify(said)}`;
    const description = holder === undefined ? unnamed : describeHolder(holder);
    super(`${host} is locked by ${description}.`);
    this.name = 'LockedError';
    this.host = host;
    this.holder = description;
    this.run = holder?.run;
    this.heldAs = holder?.host;
    this.since = holder?.since;
    this.isUnnamed = holder === undefined && said === '';
    this.isGoingOn = holder?.isGoingOn === true;
    this.process = process === undefined || process.pid === '?' ? undefined : printableProcess(process);
    this.hint = this.process === undefined ? undefined : describeProcess(host, this.process);
  }
}

function printableProcess({ pid, user, file }: LockProcess): LockProcess {
  return { pid: printable(pid, 80), user: printable(user, 80), file: printable(file, 80) };
}

function describeProcess(host: string, { pid, user, file }: LockProcess): string {
  return `On ${host} process ${pid} of user ${user} holds ${file}. If that is no run of rollout, end it there: kill ${pid}`;
}

const heartbeatMs = 5000;
/** How long the script may be silent beyond the wait that it was asked for. */
const answerMarginMs = 30_000;
/** How long a host has to say that it has let go: at the end of a run nobody waits for one that hangs. */
const releaseLimitMs = 2000;

/**
 * Takes the host's lock, waiting up to `waitMs` for another run to end. It needs no clearing, ever: the host frees it
 * when the channel closes, which the death of this process brings about, and after {@link silenceSeconds} without a
 * sign of life where the network hides that death. A lost connection is noticed here well before that.
 * @throws LockedError when another run holds it; RemoteError when the host cannot lock at all.
 */
export async function acquireLock(
  remote: Remote,
  holder: LockHolder,
  waitMs: number,
  clock: Clock,
  { folders = lockFolders, ownFolder = rootFolder, stateFolder = rootStateFolder, report = [] }: LockOptions = {},
): Promise<HeldLock> {
  const mark = `\x1e${randomBytes(8).toString('hex')}`;
  const words = [mark, ownFolder, stateFolder, ...folders, '--', ...report];
  const process = await remote.spawn(lockCommand(remote.host, holder, Math.ceil(waitMs / 1000), words));
  const output = new LockOutput(process, mark);
  const answer = await within(clock, waitMs + answerMarginMs, output.answer);
  if (answer === 'held') return new ChannelLock(remote.host, process, output, clock);
  process.close();
  if (answer === undefined) {
    const message = `the lock's script has not answered within ${(waitMs + answerMarginMs) / 1000} s.`;
    throw new RemoteError(remote.host, 'timeout', message, {
      hint: `Look at the processes called rollout-lock on the host, and at rollout.lock in ${[ownFolder, ...folders].join(', ')}.`,
    });
  }
  const busy = /^busy (\S+) (\S+) (\S+) ?(.*)$/s.exec(answer);
  if (busy !== null) {
    const [, pid = '', user = '', file = '', text = ''] = busy;
    throw new LockedError(remote.host, parseHolder(text), text, { pid, user, file });
  }
  throw new RemoteError(remote.host, 'channel_refused', `cannot be locked: ${printable(answer) || 'no answer'}.`, {
    hint: 'rollout needs flock (util-linux or busybox) and a world-writable /run/lock, /var/lock or /tmp on the host.',
  });
}

class ChannelLock implements HeldLock {
  readonly lost: Promise<RemoteError>;
  readonly unkept: Promise<void>;
  readonly #process: RemoteProcess;
  readonly #output: LockOutput;
  readonly #clock: Clock;
  readonly #released = new AbortController();

  constructor(host: string, process: RemoteProcess, output: LockOutput, clock: Clock) {
    this.#process = process;
    this.#output = output;
    this.#clock = clock;
    this.unkept = output.unkept;
    this.lost = new Promise((resolve) => {
      const lose = (error: RemoteError): void => {
        if (this.#released.signal.aborted) return;
        this.#released.abort();
        resolve(error);
      };
      process.exited.then(
        (exitCode) => lose(new RemoteError(host, 'connection_lost', `the host let go of its lock (exit ${exitCode}).`)),
        (error: unknown) =>
          lose(error instanceof RemoteError ? error : new RemoteError(host, 'connection_lost', String(error))),
      );
    });
    void this.#beat(clock);
  }

  takeReport(): Promise<LockReport | undefined> {
    return within(this.#clock, (reportSeconds + 10) * 1000, this.#output.takeReport());
  }

  goOn(): void {
    if (!this.#released.signal.aborted) this.#process.stdin.write('!');
  }

  keep({ folder, name, text }: KeptFile): void {
    if (this.#released.signal.aborted) return;
    if (!/^[\w.-]+$/.test(name) || /[\n\0]/.test(text)) throw new Error(`${name} cannot be kept: it is no line`);
    this.#process.stdin.write(`#${folder} ${name} ${mostKept} ${text}\n`);
  }

  async release(): Promise<void> {
    this.#released.abort();
    // The end of its stdin ends the script, which empties the file, frees the lock and says so: the end of its channel
    // is told a round trip later.
    this.#process.stdin.end();
    const ended = Promise.race([this.#output.farewell, this.#process.exited.catch(() => undefined)]);
    const hasEnded = await within(
      this.#clock,
      releaseLimitMs,
      ended.then(() => true),
    );
    if (hasEnded !== true) this.#process.close();
  }

  async #beat(clock: Clock): Promise<void> {
    const { signal } = this.#released;
    for (;;) {
      await clock.sleep(heartbeatMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      this.#process.stdin.write('.');
    }
  }
}

function lockCommand(
  host: string,
  holder: LockHolder,
  waitSeconds: number,
  more: readonly string[],
): readonly string[] {
  const { run, user, controller, since } = holder;
  const text = { run, user, controller, host, since: new Date(since).toISOString() };
  const texts = [text, { ...text, state: goingOn }].map((each) => JSON.stringify(each));
  return ['sh', '-c', lockScript, 'rollout-lock', String(waitSeconds), ...texts, ...more];
}
