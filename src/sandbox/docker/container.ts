// Longer than 300 lines: one state machine. Every transition touches process, health, restart and ports; parts of it would
// share all of its state.
import type { Clock } from '../../model/clock.ts';
import { launch } from '../container/launch.ts';
import type { Process } from '../container/process.ts';
import { simpleCommand, type CommandResult } from '../command/simple-command.ts';
import { slept, zeroTime, timestamp, type Delays } from '../timing.ts';
import { DaemonError } from './errors.ts';
import { commandLine, mergeEnv, splitEnv } from './command-line.ts';
import { activeHealthcheck, HealthMonitor } from './health.ts';
import { imageCommand } from './image-command.ts';
import type { RegistryImage } from './image.ts';
import { missingExec, missingProgram } from './missing-program.ts';
import { mountsOf } from './volumes.ts';
import { signalName, signalNumbers } from './signals.ts';
import { ContainerLog } from './log.ts';
import type { PortTable } from './ports.ts';
import { restartBackoff, restartsAfter, startsWithDaemon, type RestartPolicy } from './restart-policy.ts';
import { sharesOf } from './sharing.ts';
import type { ContainerSpec, JsonObject, Mount, PortBinding } from './spec.ts';

/** What containers share with the daemon that runs them. */
export interface Daemon {
  readonly clock: Clock;
  readonly delays: Delays;
  readonly ports: PortTable<Container>;
  /** False while it is being stopped: what ends then is not restarted. */
  readonly isOn: boolean;
  /** A partition: new processes start without a network. */
  readonly isolated: boolean;
  /** Waits, and throws PowerLost when the host loses its power meanwhile. */
  pause(delayMs: number): Promise<void>;
  hasNetwork(name: string): boolean;
  /** By name or id. @throws NotFoundError */
  containerOf(reference: string): Container;
  /** The kernel ends every process of a PID namespace with its first one. */
  killInProcessesOf(container: Container): void;
  nextId(): string;
  nextPid(): number;
  emit(action: string, container: Container, attributes?: Readonly<Record<string, string>>): void;
}

type Status = 'created' | 'running' | 'paused' | 'restarting' | 'exited';

const exitCodeOfPowerLoss = 255;

/** One container: its state machine, its process, and what brings it back. */
export class Container {
  readonly id: string;
  name: string;
  readonly createdAtMs: number;
  readonly spec: ContainerSpec;
  readonly image: RegistryImage;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly mounts: readonly Mount[];
  /** As docker shows it; `docker update` changes it. */
  hostConfig: JsonObject;
  readonly networks: Map<string, { readonly aliases: readonly string[]; ipv4: string | undefined; endpointId: string }>;
  readonly log = new ContainerLog();

  status: Status = 'created';
  exitCode = 0;
  /** Why the last start failed. */
  error = '';
  pid = 0;
  startedAt = zeroTime;
  finishedAt = zeroTime;
  restartCount = 0;
  /** Its `docker rm` is under way. */
  isBeingRemoved = false;
  /** By `docker stop` or `docker kill`, since its last start. */
  manuallyStopped = false;
  boundPorts: readonly PortBinding[] = [];
  health: HealthMonitor | undefined;

  readonly #daemon: Daemon;
  readonly #waiters = new Set<(exitCode: number) => void>();
  #process: Process | undefined;
  #startedAtMs = 0;
  #starting: Promise<void> = Promise.resolve();
  /** When its process last ended by itself. */
  #endedAtMs = -Infinity;
  #backoffMs = restartBackoff.firstMs;
  #restart: AbortController | undefined;
  /** The network of another container that it joined: that one's id and start. */
  #network = '';

  constructor(daemon: Daemon, name: string, spec: ContainerSpec, image: RegistryImage) {
    this.#daemon = daemon;
    this.id = daemon.nextId();
    this.name = name;
    this.spec = spec;
    this.image = image;
    this.createdAtMs = daemon.clock.now();
    this.hostConfig = spec.hostConfig;
    this.argv = commandLine(spec, image);
    this.env = mergeEnv(spec.env, image.config.Env);
    this.mounts = mountsOf(spec, image, () => daemon.nextId());
    this.networks = new Map(
      spec.networks.map(({ network, aliases, ipv4 }) => [network, { aliases, ipv4, endpointId: '' }]),
    );
  }

  /** Whether it runs in the network that another container has now: a start makes a new one, and leaves it in the old. */
  isInNetworkOf({ id, startedAt }: Container): boolean {
    return this.#process !== undefined && this.#network === `${id} ${startedAt}`;
  }

  get running(): boolean {
    return this.status === 'running' || this.status === 'paused' || this.status === 'restarting';
  }

  get process(): Process | undefined {
    return this.#process;
  }

  get hostname(): string {
    const named = this.spec.config['Hostname'];
    return typeof named === 'string' ? named : this.id.slice(0, 12);
  }

  get restartPolicy(): RestartPolicy {
    return (this.hostConfig['RestartPolicy'] as RestartPolicy | undefined) ?? { Name: 'no', MaximumRetryCount: 0 };
  }

  /** `docker update`. @throws DaemonError in docker's words while docker does not yet know that its process has ended. */
  update(hostConfig: JsonObject): void {
    if (this.isBeingRemoved)
      throw new DaemonError(
        `Cannot update container ${this.id}: container is marked for removal and cannot be "update"`,
      );
    if (this.#daemon.clock.now() - this.#endedAtMs < this.#daemon.delays.noticeMs)
      throw new DaemonError(`Cannot update container ${this.id}: cannot update a stopped container: unknown`);
    this.hostConfig = hostConfig;
  }

  /** `docker start`. @throws DaemonError in docker's words; the container then stays as it was. */
  start(): Promise<void> {
    const started = this.#starting.then(async () => {
      if (this.isBeingRemoved) throw new DaemonError('container is marked for removal and cannot be started');
      if (this.status === 'paused') throw new DaemonError('cannot start a paused container, try unpause instead');
      if (this.status === 'running') return;
      this.#cancelRestart();
      this.manuallyStopped = false;
      this.restartCount = 0;
      this.#backoffMs = restartBackoff.firstMs;
      await this.#launch();
    });
    this.#starting = started.catch(() => undefined);
    return started;
  }

  /** `docker stop`: the stop signal, and SIGKILL after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    await this.#starting;
    this.manuallyStopped = true;
    this.#cancelRestart();
    if (!(await this.#end(graceMs))) return;
    await this.#daemon.pause(this.#daemon.delays.stopMs);
    this.#daemon.emit('stop', this);
  }

  /** `docker pause`. @throws DaemonError */
  pause(): void {
    if (this.status === 'paused') throw new DaemonError(`Container ${this.id} is already paused`);
    if (this.status !== 'running') throw new DaemonError(`Container ${this.id} is not running`);
    this.status = 'paused';
    this.#process?.freeze();
    this.health?.pause();
    this.#daemon.emit('pause', this);
  }

  /** `docker unpause`. @throws DaemonError */
  unpause(): void {
    if (this.status !== 'paused') throw new DaemonError(`Container ${this.id} is not paused`);
    this.#wake();
    this.#daemon.emit('unpause', this);
  }

  /** The daemon is being stopped: as {@link Container.stop}, but its restart policy brings it back with the daemon. */
  async shutDown(graceMs: number): Promise<void> {
    this.#cancelRestart();
    await this.#end(graceMs);
    this.#starting = Promise.resolve();
  }

  /** False when it did not run. */
  async #end(graceMs: number): Promise<boolean> {
    const process = this.#process;
    if (process === undefined) return false;
    this.#signal(process, this.#stopSignal);
    this.#wake();
    const ended = new AbortController();
    const tooLate = slept(this.#daemon.clock, graceMs, ended.signal).then((late) => {
      if (late) this.#signal(process, 'SIGKILL');
    });
    await process.exited;
    ended.abort();
    await tooLate;
    return true;
  }

  /** `docker kill`. @throws DaemonError when it does not run. */
  async kill(signal: string): Promise<void> {
    const process = this.#process;
    if (process === undefined) {
      throw new DaemonError(`Cannot kill container: ${this.name}: Container ${this.id} is not running`);
    }
    if (signal === 'SIGKILL' || signal === this.#stopSignal) this.manuallyStopped = true;
    this.#signal(process, signal);
    if (signal !== 'SIGKILL') return;
    this.#wake();
    await process.exited;
  }

  /** Resolves to the exit code at the next exit; at once where it does not run. */
  wait(signal: AbortSignal): Promise<number> {
    if (!this.running) return Promise.resolve(this.exitCode);
    return new Promise((resolve) => {
      this.#waiters.add(resolve);
      signal.addEventListener('abort', () => this.#waiters.delete(resolve), { once: true });
    });
  }

  /** Runs a command beside its process; undefined when the image has no such program. */
  async exec(argv: readonly string[], signal: AbortSignal): Promise<CommandResult | undefined> {
    const command = simpleCommand(argv, this.#daemon.clock, (words) => imageCommand(words, this));
    return command?.(signal);
  }

  /** The host's power is gone: nothing runs, nothing is restarted, and nobody was told. */
  losePower(): void {
    this.#cancelRestart();
    const process = this.#process;
    this.#process = undefined;
    this.health?.stop();
    process?.kill('SIGKILL');
    this.#daemon.ports.release(this);
    if (this.running) {
      this.status = 'exited';
      this.exitCode = exitCodeOfPowerLoss;
      this.pid = 0;
      this.finishedAt = timestamp(this.#daemon.clock.now());
    }
    this.#starting = Promise.resolve();
  }

  /** Whether the daemon starts it when the host comes up. */
  get startsWithHost(): boolean {
    return this.status !== 'created' && startsWithDaemon(this.restartPolicy, this);
  }

  async startWithHost(): Promise<void> {
    try {
      await this.#launch();
    } catch (error) {
      if (!(error instanceof DaemonError)) throw error;
      // As dockerd: the reason stays in State.Error, and nobody is told.
    }
  }

  /** Frees what it holds; its process is killed. */
  async remove(): Promise<void> {
    await this.#starting;
    this.manuallyStopped = true;
    this.#cancelRestart();
    const process = this.#process;
    if (process === undefined) return;
    this.#signal(process, 'SIGKILL');
    this.#wake();
    await process.exited;
  }

  /** A paused process hears of nothing until it goes on. */
  #wake(): void {
    if (this.status !== 'paused') return;
    this.status = 'running';
    this.health?.unpause();
    if (!this.#daemon.isolated) this.#process?.thaw();
  }

  async #launch(): Promise<void> {
    for (const network of this.networks.keys()) {
      if (!this.#daemon.hasNetwork(network)) throw new DaemonError(`network ${network} not found`);
    }
    await this.#daemon.pause(this.#daemon.delays.startMs);
    this.#join();
    this.#bindPorts();
    const pid = this.#daemon.nextPid();
    const process = launch({
      argv: this.argv,
      env: new Map(this.env.map((entry) => splitEnv(entry))),
      hostname: this.hostname,
      pid,
      clock: this.#daemon.clock,
      log: (stream, text) => this.log.append({ atMs: this.#daemon.clock.now(), stream, text }),
    });
    if (process === undefined) this.#failStart(127, missingProgram(this.argv[0] ?? ''));
    if (this.#daemon.isolated) process.freeze();
    this.#process = process;
    this.#startedAtMs = this.#daemon.clock.now();
    this.startedAt = timestamp(this.#startedAtMs);
    this.status = 'running';
    this.exitCode = 0;
    this.error = '';
    this.pid = pid;
    for (const endpoint of this.networks.values()) endpoint.endpointId = this.#daemon.nextId();
    this.#watchHealth();
    this.#daemon.emit('start', this);
    void process.exited.then((exitCode) => this.#exited(process, exitCode));
  }

  /** A container that shares with another starts only while that one runs. */
  #join(): void {
    for (const { key, reference, refusal } of sharesOf(this.hostConfig)) {
      const other = this.#daemon.containerOf(reference);
      if (!other.running || other.status === 'restarting') this.#failStart(128, refusal(other.id));
      if (key === 'NetworkMode') this.#network = `${other.id} ${other.startedAt}`;
    }
  }

  #bindPorts(): void {
    if (this.hostConfig['NetworkMode'] === 'host') return;
    const outcome = this.#daemon.ports.bind(this, this.spec.ports);
    if ('bound' in outcome) {
      this.boundPorts = outcome.bound;
      return;
    }
    const { hostIp, hostPort } = outcome.taken;
    this.#failStart(
      128,
      `driver failed programming external connectivity on endpoint ${this.name} (${this.#daemon.nextId()}): ` +
        `Bind for ${hostIp === '' ? '0.0.0.0' : hostIp}:${hostPort} failed: port is already allocated`,
    );
  }

  #failStart(exitCode: number, message: string): never {
    this.#daemon.ports.release(this);
    this.boundPorts = [];
    this.exitCode = exitCode;
    this.error = message;
    if (this.status === 'restarting') this.status = 'exited';
    throw new DaemonError(message);
  }

  #watchHealth(): void {
    const check = activeHealthcheck({ ...this.spec.config });
    this.health =
      check === undefined
        ? undefined
        : new HealthMonitor(
            check,
            this.#daemon.clock,
            async (argv, signal) => {
              const result = await this.exec(argv, signal);
              if (result === undefined) return { exitCode: -1, output: missingExec(argv[0] ?? '') };
              return { exitCode: result.exitCode, output: result.stdout + result.stderr };
            },
            (status) => this.#daemon.emit(`health_status: ${status}`, this),
          );
  }

  #exited(process: Process, exitCode: number): void {
    if (this.#process !== process) return;
    const now = this.#daemon.clock.now();
    this.#process = undefined;
    this.health?.stop();
    this.#daemon.ports.release(this);
    this.boundPorts = [];
    this.status = 'exited';
    this.exitCode = exitCode;
    this.pid = 0;
    this.finishedAt = timestamp(now);
    if (!this.manuallyStopped) this.#endedAtMs = now;
    this.#daemon.emit('die', this, { exitCode: String(exitCode) });
    this.#daemon.killInProcessesOf(this);
    for (const waiter of this.#waiters) waiter(exitCode);
    this.#waiters.clear();
    if (now - this.#startedAtMs >= restartBackoff.forgottenAfterMs) this.#backoffMs = restartBackoff.firstMs;
    const isLeftAlone = this.manuallyStopped || !this.#daemon.isOn;
    if (!isLeftAlone && restartsAfter(this.restartPolicy, exitCode, this.restartCount)) void this.#restartLater();
  }

  async #restartLater(): Promise<void> {
    const restart = new AbortController();
    this.#restart = restart;
    this.status = 'restarting';
    const delayMs = this.#backoffMs;
    this.#backoffMs = Math.min(delayMs * 2, restartBackoff.mostMs);
    if (!(await slept(this.#daemon.clock, delayMs, restart.signal))) return;
    this.restartCount += 1;
    try {
      await this.#launch();
    } catch (error) {
      // A start that fails by itself ends the restarts, as in docker; a power loss ends everything.
      if (!(error instanceof DaemonError)) return;
    }
    if (restart.signal.aborted && this.#process !== undefined) this.#signal(this.#process, 'SIGKILL');
  }

  #cancelRestart(): void {
    this.#restart?.abort();
    this.#restart = undefined;
    if (this.status === 'restarting') this.status = 'exited';
  }

  get #stopSignal(): string {
    const signal = this.spec.config['StopSignal'];
    return typeof signal === 'string' ? signalName(signal) : 'SIGTERM';
  }

  #signal(process: Process, signal: string): void {
    this.#daemon.emit('kill', this, { signal: String(signalNumbers[signal] ?? signal) });
    process.kill(signal);
  }
}
