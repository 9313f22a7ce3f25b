import type { Clock } from '../model/clock.ts';
import type { Host } from '../model/host.ts';
import { type Wanted, surveyCommand } from '../docker/commands.ts';
import { Docker } from '../docker/docker.ts';
import type { Observed, Survey } from '../docker/observed.ts';
import type { Connector } from '../ssh/connect.ts';
import {
  acquireLock,
  LockedError,
  type HeldLock,
  type KeptFile,
  type LockHolder,
  type LockOptions,
} from '../ssh/lock.ts';
import { RemoteError, type Remote } from '../ssh/remote.ts';
import type { RunContext } from './context.ts';
import type { Wait } from './heartbeat.ts';

/** How long after a lost connection the next one is tried. */
const reconnectDelayMs = 1000;
/** Longer than a host keeps the lock of a connection that has fallen silent. */
const leastLockWaitMs = 40_000;

/** Connection kinds of trouble that another try may end; a refused key or a changed host key is not among them. */
const passing: ReadonlySet<string> = new Set(['unreachable', 'connection_lost', 'handshake_failed', 'timeout']);

export interface Surveyed extends Survey {
  /** When it was begun. */
  readonly atMs: number;
}

/** A host for the length of a run: its one connection (and the next, when that breaks), its lock and its docker. */
export class HostSession {
  readonly host: Host;
  /** Of every container on the host, whoever made it, as last surveyed. */
  containerNames: readonly string[] = [];
  /** As images call it, `linux/amd64`; undefined until it was surveyed. */
  platform: string | undefined;
  /** When this run last changed something on the host, for any of its plays, or came back to it. */
  changedAtMs = -Infinity;
  readonly #connector: Connector;
  readonly #holder: LockHolder;
  readonly clock: Clock;
  #remote: Remote;
  #docker: Docker;
  /** Undefined until the lock is first asked for: a host in several plays asks several times. */
  #lock: Promise<HeldLock> | undefined;
  #survey: Promise<Surveyed> | undefined;
  #reconnecting: Promise<void> | undefined;
  #isClosed = false;
  #isGoingOn = false;
  /** What the host is to keep, by folder and name: said again to every lock that is taken. */
  readonly #kept = new Map<string, KeptFile>();
  /** It was waited for once, in vain: whoever needs it next tries, and waits no more. */
  #isGivenUp = false;

  private constructor(host: Host, connector: Connector, remote: Remote, holder: LockHolder, clock: Clock) {
    this.host = host;
    this.#connector = connector;
    this.#remote = remote;
    this.#docker = new Docker(remote);
    this.#holder = holder;
    this.clock = clock;
  }

  /** @throws RemoteError */
  static async open(host: Host, connector: Connector, holder: LockHolder, clock: Clock): Promise<HostSession> {
    return new HostSession(host, connector, await connector.connect(host), holder, clock);
  }

  get remote(): Remote {
    return this.#remote;
  }

  get docker(): Docker {
    return this.#docker;
  }

  /**
   * Takes the host's lock, through this connection and for as long as it lives, and has it surveyed with the same command.
   * @throws LockedError, to be asked again
   */
  async lock(waitMs: number): Promise<void> {
    if (this.#lock === undefined) {
      this.#lock = this.#takeLock(waitMs, { report: surveyCommand });
      // Whatever was found before it was another run's to change.
      this.#survey = this.#surveyWith(this.#lock);
    }
    const lock = this.#lock;
    try {
      await lock;
    } catch (error) {
      if (this.#lock === lock) this.#lock = this.#survey = undefined;
      throw this.#asTwin(error) ?? error;
    }
  }

  /** Gives the lock back, for another run. */
  async unlock(): Promise<void> {
    const lock = this.#lock;
    this.#lock = this.#survey = undefined;
    await lock?.then((held) => held.release()).catch(() => undefined);
  }

  /** Tells whoever asks for the host that this run has all its hosts. */
  async goOn(): Promise<void> {
    this.#isGoingOn = true;
    // From here on things change.
    this.#survey = undefined;
    (await this.#lock)?.goOn();
  }

  /** Keeps a file on the host, with the next thing that its lock says; nothing is waited for. */
  keep(file: KeptFile): void {
    this.#kept.set(`${file.folder}/${file.name}`, file);
    this.#lock?.then((held) => held.keep(file)).catch(() => undefined);
  }

  /** Hears of a file that the host could not keep. */
  onUnkept: () => void = () => undefined;

  /** Before anything is changed on the host. @throws LockedError when the lock was lost and another run has it now */
  async assertLocked(): Promise<void> {
    await this.#lock;
  }

  /** What preflight goes by: as found when the lock was taken, or, without one, read now. Every play of the host shares it. */
  survey(): Promise<Surveyed> {
    return (this.#survey ??= this.#surveyNow());
  }

  observe(wanted: Wanted): Promise<Observed> {
    return this.#docker.observe(wanted);
  }

  /**
   * Connects anew after a loss, and takes the lock again where it was held. Callers that ask meanwhile share it; 0 tries
   * once.
   * @throws RemoteError when the host does not come back within `limitMs`, LockedError when another run has it now.
   */
  reconnect(context: RunContext, limitMs: number): Promise<void> {
    this.#reconnecting ??= this.#reconnect(context, limitMs).finally(() => (this.#reconnecting = undefined));
    return this.#reconnecting;
  }

  /** Within seconds, whatever the host does: a lock's release has a limit of its own. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#survey = undefined;
    // One that is still waited for ends with the connection: another run may have the host for hours.
    const held = await Promise.race([this.#lock, Promise.resolve(undefined)]).catch(() => undefined);
    await held?.release().catch(() => undefined);
    await this.#remote.close().catch(() => undefined);
  }

  async #reconnect(context: RunContext, limitMs: number): Promise<void> {
    using notice = context.heartbeat.wait(this.host.name, { limitMs: this.#isGivenUp ? 0 : limitMs });
    notice.say('the connection to come back');
    await this.#remote.close().catch(() => undefined);
    for (;;) {
      try {
        await this.#connect();
        notice.hush();
        if (this.#lock !== undefined) await this.#lockAgain(context, notice);
        this.#isGivenUp = false;
        this.changedAtMs = this.clock.now();
        return;
      } catch (error) {
        const isPassing = error instanceof RemoteError && passing.has(error.kind);
        if (notice.isOver && limitMs > 0) this.#isGivenUp = true;
        if (!isPassing || notice.isOver || this.#isClosed) throw error;
        notice.say(`the connection to come back: ${error.message}`);
        await context.clock.sleep(reconnectDelayMs, context.interrupt.now);
      }
    }
  }

  async #connect(): Promise<void> {
    this.#remote = await this.#connector.connect(this.host);
    this.#docker = new Docker(this.#remote);
    // Nobody is left to close what came too late.
    if (this.#isClosed) await this.#remote.close();
  }

  /** Where it is this very run that holds the host, under another name of the inventory. */
  #asTwin(error: unknown): RemoteError | undefined {
    const { name } = this.host;
    if (!(error instanceof LockedError) || error.run !== this.#holder.run) return undefined;
    const { heldAs } = error;
    if (heldAs === undefined || heldAs === name) return undefined;
    return new RemoteError(name, 'config', `${heldAs} and ${name} are one machine: this run has its lock already.`, {
      hint: `Take one of the two names out of the inventory or of the play, or check ansible_host and ansible_port of both.`,
    });
  }

  async #surveyNow(): Promise<Surveyed> {
    const atMs = this.clock.now();
    return { ...(await this.#docker.survey()), atMs };
  }

  /** Where the report is not good enough, the same question asked by itself says why. */
  #surveyWith(lock: Promise<HeldLock>): Promise<Surveyed> {
    const docker = this.#docker;
    const survey = lock.then(async (held) => {
      const atMs = this.clock.now();
      const report = await held.takeReport();
      return report?.exitCode === 0 ? { ...docker.readSurvey(report.stdout), atMs } : this.#surveyNow();
    });
    // A run that is turned away does not ask for it.
    survey.catch(() => undefined);
    return survey;
  }

  #takeLock(waitMs: number, options: LockOptions = {}): Promise<HeldLock> {
    const remote = this.#remote;
    const taken = acquireLock(remote, this.#holder, waitMs, this.clock, options);
    // Lost though the connection lives, as when somebody killed its holder: taken again at once, or found taken.
    const retake = async (lock: HeldLock): Promise<void> => {
      if (this.#isGoingOn) lock.goOn();
      for (const file of this.#kept.values()) lock.keep(file);
      void lock.unkept.then(() => this.onUnkept());
      await lock.lost;
      if (!this.#isClosed && this.#lock === taken && this.#remote === remote) this.#lock = this.#takeLock(0);
    };
    // Whoever changes something next hears of a lock that could not be taken.
    taken.then(retake).catch(() => undefined);
    return taken;
  }

  /** sshd frees the lock of a dead connection when it notices the death, at the latest after the lock's own silence. */
  async #lockAgain(context: RunContext, notice: Wait): Promise<void> {
    const limitMs = Math.max(notice.remainingMs, leastLockWaitMs);
    const message = 'the lock that the lost connection may still hold';
    using _wait = context.heartbeat.wait(this.host.name, { message, limitMs });
    try {
      await (this.#lock = this.#takeLock(limitMs));
    } catch (error) {
      // Without the lock nothing may go this way: the host may be another run's by now.
      await this.#remote.close().catch(() => undefined);
      throw error;
    }
  }
}
