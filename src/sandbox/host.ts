import { randomUUID } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../model/clock.ts';
import type { CheckAnswer } from './balancer/backend-server.ts';
import { HostLock } from './command/host-lock.ts';
import { runShellLine } from './command/host-command.ts';
import type { CommandInterposer } from './command/interposer.ts';
import type { HostMachine } from './command/machine.ts';
import { refused } from './container/http-endpoint.ts';
import type { Engine } from './docker/engine.ts';
import { SshServer } from './ssh-server.ts';

export interface SandboxHostOptions {
  readonly name: string;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly hostKey: string;
  readonly user: string;
  readonly userKey: Buffer;
  readonly latencyMs: number;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly sudoPassword: string | undefined;
  /** Ports of 127.0.0.1 that lie outside the host and that it may reach: balancers, the registry. */
  readonly reachesOutside: (port: number) => boolean;
}

/** To go down, and to come up. */
const rebootMs = 100;

type Network = 'up' | 'partitioned' | 'off';

/** One machine: sshd, a docker daemon, and the network between them and everybody else. */
export class SandboxHost {
  readonly name: string;
  readonly engine: Engine;
  readonly sshd: SshServer;
  readonly machine: HostMachine & {
    hasDocker: boolean;
    interpose: CommandInterposer | undefined;
    bootId: string;
    /** False: a host that is rebooted stays off. */
    comesBack: boolean;
  };
  #network: Network = 'up';
  #healed: Promise<void> = Promise.resolve();
  #heal: () => void = () => {};

  constructor(options: SandboxHostOptions) {
    this.name = options.name;
    this.engine = options.engine;
    this.machine = {
      name: options.name,
      clock: options.clock,
      engine: options.engine,
      cpus: options.cpus,
      memoryBytes: options.memoryBytes,
      lock: new HostLock(),
      files: new Map(),
      hasDocker: true,
      interpose: undefined,
      sudoPassword: options.sudoPassword,
      bootId: randomUUID(),
      comesBack: true,
      reboot: () => this.#reboot(),
    };
    this.sshd = new SshServer({
      ...options,
      run: (io, line) => runShellLine(this.machine, io, line),
      connect: (address, port) => this.#connectFromInside(address, port, options.reachesOutside),
    });
  }

  /** A connection from outside to a published port. @throws when it is refused; waits while partitioned. */
  async connect(port: number): Promise<Socket> {
    await this.#reachable();
    return this.#connectToContainer(port);
  }

  /** What a health check from outside hears; a host without power refuses, as one whose sockets are gone. */
  check(port: number, path: string): CheckAnswer {
    if (this.#network === 'partitioned') return 'silent';
    const owner = this.engine.portOwner(port);
    if (owner?.isPaused === true) return 'silent';
    return owner?.process.check(owner.containerPort, path) ?? 'refused';
  }

  /** Power failure: processes, connections and half-done commands are gone; containers and images stay on disk. */
  async powerOff(): Promise<void> {
    if (this.#network === 'off') return;
    if (this.#network === 'partitioned') this.heal();
    this.#network = 'off';
    this.engine.powerOff();
    await this.sshd.cut();
  }

  async powerOn(): Promise<void> {
    if (this.#network !== 'off') return;
    this.#network = 'up';
    this.machine.bootId = randomUUID();
    for (const path of [...this.machine.files.keys()])
      if (/^(?:\/var)?\/run\//.test(path)) this.machine.files.delete(path);
    await this.engine.powerOn();
    await this.sshd.listen();
  }

  async #reboot(): Promise<void> {
    await this.machine.clock.sleep(rebootMs);
    await this.powerOff();
    await this.machine.clock.sleep(rebootMs);
    if (this.machine.comesBack) await this.powerOn();
  }

  /** The docker daemon is stopped, and started again after `downMs`; the host itself stays up. */
  async restartDaemon(downMs: number): Promise<void> {
    if (this.#network === 'off') return;
    await this.engine.stopDaemon();
    await this.machine.clock.sleep(downMs);
    // The power may have failed meanwhile; then it comes up with the host.
    if (this.#isOn()) await this.engine.powerOn();
  }

  /** Nobody reaches the host and it reaches nobody; everything on it runs on. */
  partition(): void {
    if (this.#network !== 'up') return;
    this.#network = 'partitioned';
    this.#healed = new Promise((resolve) => (this.#heal = resolve));
    this.engine.isolate(true);
    this.sshd.partition();
  }

  heal(): void {
    if (this.#network !== 'partitioned') return;
    this.#network = 'up';
    this.engine.isolate(false);
    this.sshd.heal();
    this.#heal();
  }

  #isOn(): boolean {
    return this.#network !== 'off';
  }

  async #reachable(): Promise<void> {
    await this.#healed;
    if (this.#network === 'off') throw refused();
  }

  async #connectToContainer(port: number): Promise<Socket> {
    const owner = this.engine.portOwner(port);
    if (owner === undefined) throw refused();
    return owner.process.connect(owner.containerPort);
  }

  #connectFromInside(address: string, port: number, reachesOutside: (port: number) => boolean): Promise<Duplex> {
    const isOwn = address === 'localhost' || address.startsWith('127.') || address === '::1';
    if (!isOwn) return Promise.reject(refused());
    if (!reachesOutside(port)) return this.#connectToContainer(port);
    return new Promise((resolve, reject) => {
      const socket = connectTcp(port, '127.0.0.1', () => resolve(socket)).once('error', reject);
    });
  }
}
