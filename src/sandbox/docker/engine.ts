import { setMaxListeners } from 'node:events';
import type { Clock } from '../../model/clock.ts';
import { parseImageRef } from '../../model/image.ts';
import type { Process } from '../container/process.ts';
import { IdSource } from '../ids.ts';
import type { Credentials, ImageSource } from '../registry/image-source.ts';
import type { Delays } from '../timing.ts';
import { Container, type Daemon } from './container.ts';
import { DaemonError, DaemonStopped, NotFoundError, PowerLost } from './errors.ts';
import { EventLog } from './events.ts';
import { ImageStore, type StoredImage } from './image-store.ts';
import { Networks } from './networks.ts';
import { PortTable } from './ports.ts';
import { sharedWith, sharesOf } from './sharing.ts';
import type { ContainerSpec } from './spec.ts';
import { Volumes } from './volumes.ts';

export interface EngineOptions {
  readonly hostname: string;
  readonly clock: Clock;
  readonly delays: Delays;
  readonly images: ImageSource;
}

const shutdownGraceMs = 10_000;
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** A docker daemon's state and what it does; its words are docker 20.10's. */
export class Engine {
  readonly hostname: string;
  readonly clock: Clock;
  readonly images = new ImageStore();
  readonly networks: Networks;
  readonly volumes = new Volumes();
  readonly events: EventLog;
  readonly #delays: Delays;
  readonly #source: ImageSource;
  readonly #ports = new PortTable<Container>();
  readonly #containers = new Map<string, Container>();
  readonly #daemon: Daemon;
  #power = new AbortController();
  #isolated = false;
  #pids = 1_000;

  constructor(options: EngineOptions) {
    this.hostname = options.hostname;
    this.clock = options.clock;
    this.#delays = options.delays;
    this.#source = options.images;
    this.events = new EventLog(options.clock);
    const ids = new IdSource(options.hostname);
    this.networks = new Networks(() => ids.next());
    this.#daemon = this.#daemonOf(ids);
    setMaxListeners(0, this.#power.signal);
  }

  /** Newest first, as docker lists them. */
  get containers(): Container[] {
    return [...this.#containers.values()].reverse();
  }

  get isOn(): boolean {
    return !this.#power.signal.aborted;
  }

  /** The client's start and its way to the daemon and back. */
  roundTrip(): Promise<void> {
    return this.#daemon.pause(this.#delays.commandMs);
  }

  /** By name, id or the beginning of an id. @throws NotFoundError */
  container(reference: string): Container {
    const found = this.findContainer(reference);
    if (found === undefined) throw new NotFoundError('container', reference);
    return found;
  }

  findContainer(reference: string): Container | undefined {
    const name = reference.replace(/^\//, '');
    const all = [...this.#containers.values()];
    return (
      this.#containers.get(reference) ??
      all.find((container) => container.name === name) ??
      (/^[0-9a-f]+$/.test(reference) ? all.find(({ id }) => id.startsWith(reference)) : undefined)
    );
  }

  /** `docker create`. The image must be there. @throws DaemonError */
  async create(spec: ContainerSpec): Promise<Container> {
    const stored = this.images.find(spec.image);
    if (stored === undefined) throw new NotFoundError('image', spec.image);
    const name = spec.name ?? `sandbox_${this.#containers.size + 1}`;
    if (!namePattern.test(name)) {
      throw new DaemonError(`Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
    }
    this.#requireFreeName(name);
    await this.#daemon.pause(this.#delays.createMs);
    this.#requireFreeName(name);
    const container = new Container(this.#daemon, name, this.#bound(spec), stored.image);
    for (const mount of container.mounts)
      if (mount.type === 'volume') this.volumes.ensure(mount.source, this.clock.now());
    this.#containers.set(container.id, container);
    this.#daemon.emit('create', container);
    return container;
  }

  /** `docker rename`. @throws DaemonError */
  rename(reference: string, to: string): void {
    const container = this.container(reference);
    if (container.name === to) throw new DaemonError('Renaming a container with the same name as its current name');
    const refuse = 'Error when allocating new name: ';
    if (!namePattern.test(to)) {
      throw new DaemonError(`${refuse}Invalid container name (/${to}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
    }
    this.#requireFreeName(to, refuse);
    // Docker looks for the network of a container that runs, and one that waits for its next start has none.
    if (container.status === 'restarting') throw new DaemonError(`sandbox ${this.#daemon.nextId()} not found`);
    const oldName = container.name;
    container.name = to;
    this.#daemon.emit('rename', container, { oldName: `/${oldName}` });
  }

  /** `docker rm`. @throws DaemonError */
  async remove(reference: string, options: { force: boolean; volumes: boolean }): Promise<void> {
    const container = this.container(reference);
    if (container.running && !options.force) {
      throw new DaemonError(
        `You cannot remove a running container ${container.id}. Stop the container before attempting removal or force remove`,
      );
    }
    if (container.isBeingRemoved) throw new DaemonError(`removal of container ${reference} is already in progress`);
    container.isBeingRemoved = true;
    try {
      await container.remove();
      await this.#daemon.pause(this.#delays.removeMs);
    } finally {
      container.isBeingRemoved = false;
    }
    this.#containers.delete(container.id);
    for (const mount of container.mounts) {
      if (options.volumes && mount.anonymous && !this.#isMounted(mount.source)) this.volumes.remove(mount.source, []);
    }
    this.#daemon.emit('destroy', container);
  }

  /** `docker pull`. @returns the image, and whether it was not here before. @throws DaemonError */
  async pull(reference: string, credentials: Credentials): Promise<{ stored: StoredImage; isNew: boolean }> {
    const ref = parseImageRef(reference);
    if (ref === undefined) throw new DaemonError('invalid reference format');
    const found = await this.#source.resolve(ref, credentials);
    if ('error' in found) throw new DaemonError(found.error);
    const isPresent = this.images.all().some(({ image }) => image.configDigest === found.image.configDigest);
    await this.#daemon.pause(isPresent ? 0 : this.#delays.pullMs);
    const isNew = this.images.add(found.image, ref);
    const stored = this.images.find(found.image.configDigest);
    if (stored === undefined) throw new Error(`${reference} is not in the store that it was added to`);
    return { stored, isNew };
  }

  /** `docker image rm`. @returns docker's lines. @throws DaemonError */
  removeImage(reference: string, force: boolean): string[] {
    const stored = this.images.find(reference);
    if (stored === undefined) throw new NotFoundError('image', reference);
    const user = this.containers.find(({ image }) => image === stored.image);
    if (user !== undefined && !force) {
      const id = stored.image.configDigest.slice('sha256:'.length, 'sha256:'.length + 12);
      throw new DaemonError(
        `conflict: unable to remove repository reference "${reference}" (must force) - ` +
          `container ${user.id.slice(0, 12)} is using its referenced image ${id}`,
      );
    }
    return this.images.remove(reference);
  }

  /** Has docker keep a port, once its container has stopped, until the daemon is started anew. */
  leakPort(hostPort: number): void {
    this.#ports.leak(hostPort);
  }

  /** What serves a port of the host, be it the container itself or one in its network; undefined where nothing does. */
  portOwner(hostPort: number): { process: Process; containerPort: number; isPaused: boolean } | undefined {
    const binding = this.#ports.find(hostPort);
    if (binding?.owner.process === undefined) return undefined;
    const { containerPort, owner } = binding;
    const inside = [owner, ...this.containers.filter((container) => container.isInNetworkOf(owner))];
    const listening = inside.find((container) => container.process?.listensOn(containerPort)) ?? owner;
    return {
      process: listening.process ?? binding.owner.process,
      containerPort,
      isPaused: listening.status === 'paused',
    };
  }

  /** Modes that name another container name its id from here on, so that renaming it changes nothing. */
  #bound(spec: ContainerSpec): ContainerSpec {
    const modes = sharesOf(spec.hostConfig).map(({ key, reference }) => {
      const other = this.findContainer(reference);
      // Docker 20.10 looks for the network of a container only when it starts one.
      if (other === undefined && key !== 'NetworkMode') throw new NotFoundError('container', reference);
      return [key, `container:${other?.id ?? reference}`] as const;
    });
    return { ...spec, hostConfig: { ...spec.hostConfig, ...Object.fromEntries(modes) } };
  }

  /** Every process is gone, every command under way ends without an answer; what is on disk stays. */
  powerOff(): void {
    this.#power.abort(new PowerLost('the host has no power'));
    for (const container of this.#containers.values()) container.losePower();
    this.events.disconnect();
  }

  /** `systemctl stop docker`: commands under way fail, and every container is told to end. */
  async stopDaemon(): Promise<void> {
    this.#power.abort(new DaemonStopped('the docker daemon is stopped'));
    await Promise.all([...this.#containers.values()].map((container) => container.shutDown(shutdownGraceMs)));
    this.events.disconnect();
  }

  /** The daemon comes up and starts what its restart policies tell it to, one after the other. */
  async powerOn(): Promise<void> {
    this.#ports.mendLeaks();
    this.#power = new AbortController();
    setMaxListeners(0, this.#power.signal);
    for (const container of this.#containers.values()) {
      if (container.startsWithHost) await container.startWithHost();
    }
  }

  /** Cuts its containers' network off, or gives it back. */
  isolate(isolated: boolean): void {
    this.#isolated = isolated;
    for (const { process, status } of this.#containers.values()) {
      if (isolated) process?.freeze();
      else if (status !== 'paused') process?.thaw();
    }
  }

  #isMounted(volume: string): boolean {
    return this.containers.some(({ mounts }) => mounts.some(({ source }) => source === volume));
  }

  #requireFreeName(name: string, prefix = ''): void {
    const holder = [...this.#containers.values()].find((container) => container.name === name);
    if (holder === undefined) return;
    throw new DaemonError(
      `${prefix}Conflict. The container name "/${name}" is already in use by container "${holder.id}". ` +
        'You have to remove (or rename) that container to be able to reuse that name.',
    );
  }

  #daemonOf(ids: IdSource): Daemon {
    const isIsolated = () => this.#isolated;
    const isOn = () => this.isOn;
    return {
      clock: this.clock,
      delays: this.#delays,
      ports: this.#ports,
      get isOn() {
        return isOn();
      },
      get isolated() {
        return isIsolated();
      },
      pause: async (delayMs) => {
        this.#power.signal.throwIfAborted();
        if (delayMs > 0) await this.clock.sleep(delayMs, this.#power.signal);
      },
      containerOf: (reference) => this.container(reference),
      killInProcessesOf: ({ id }) => {
        for (const { hostConfig, process } of this.#containers.values())
          if (sharedWith(hostConfig, 'PidMode') === id) process?.kill('SIGKILL');
      },
      hasNetwork: (name) => this.networks.find(name) !== undefined,
      nextId: () => ids.next(),
      nextPid: () => (this.#pids += 1),
      emit: (action, container, attributes) => this.events.emit(action, container, attributes),
    };
  }
}
