import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../model/clock.ts';
import { Balancer } from './balancer/balancer.ts';
import type { CheckPolicy } from './balancer/server-health.ts';
import { dockerContext } from './command/scripts.ts';
import { runDocker } from './docker-cli/docker.ts';
import { Engine } from './docker/engine.ts';
import { writeAccessFiles } from './access-files.ts';
import { SandboxHost } from './host.ts';
import type { Credentials } from './registry/image-source.ts';
import { Registry, type RegistryAuth } from './registry/registry.ts';
import { generateSshKey } from './ssh-key.ts';
import { scaleDelays, systemClock } from './timing.ts';

export interface SandboxOptions {
  /** How many; they are named `h1` … */
  readonly hosts: number;
  /** Docker's delays times this; default 1, as on a real machine. */
  readonly delayFactor?: number;
  /** Added to every SSH round trip; default 0. */
  readonly latencyMs?: number;
  /** Balancers in front of the same hosts; default 1. */
  readonly balancers?: number;
  /** Default: every 250 ms, fall 2, rise 2. */
  readonly check?: CheckPolicy;
  readonly registryAuth?: RegistryAuth;
  /** What sudo asks for; default: nothing. */
  readonly sudoPassword?: string;
  /** Where keys and the inventory go; default: a new folder that close() removes. */
  readonly dir?: string;
  readonly clock?: Clock;
}

const user = 'deploy';
const backendName = 'web';
// What the hosts' services publish: the application, and the container that answers the balancer's check.
const appPort = 8080;
const checkPort = 8081;
const checkPath = '/health';
const machine = { cpus: 4, memoryBytes: 8 * 1024 ** 3 };
const defaultCheck: CheckPolicy = { intervalMs: 250, fall: 2, rise: 2 };
const serverTimeoutMs = 30_000;

/** A whole fleet inside this process: hosts with sshd and docker, an image registry, HAProxy. Only on 127.0.0.1. */
export class Sandbox {
  readonly dir: string;
  readonly inventoryFile: string;
  readonly registry: Registry;
  readonly balancers: readonly Balancer[];
  /** Ports of 127.0.0.1 that lie outside the hosts and that they may reach; a test may put its own among them. */
  readonly outside: Set<number>;
  readonly #hosts: ReadonlyMap<string, SandboxHost>;
  readonly #removesDir: boolean;

  constructor(parts: {
    dir: string;
    removesDir: boolean;
    inventoryFile: string;
    registry: Registry;
    balancers: readonly Balancer[];
    outside: Set<number>;
    hosts: ReadonlyMap<string, SandboxHost>;
  }) {
    this.outside = parts.outside;
    this.dir = parts.dir;
    this.inventoryFile = parts.inventoryFile;
    this.registry = parts.registry;
    this.balancers = parts.balancers;
    this.#hosts = parts.hosts;
    this.#removesDir = parts.removesDir;
  }

  get hosts(): string[] {
    return [...this.#hosts.keys()];
  }

  get frontendUrl(): string {
    return `${this.balancer.url}/`;
  }

  get statsUrl(): string {
    return `${this.balancer.url}/stats`;
  }

  /** The first balancer. */
  get balancer(): Balancer {
    const [first] = this.balancers;
    if (first === undefined) throw new Error('the sandbox has no balancer');
    return first;
  }

  host(name: string): SandboxHost {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`the sandbox has no host ${name}; it has ${this.hosts.join(', ')}`);
    return host;
  }

  /** An image of the test program; its version is the tag. Returns the full reference. */
  publish(
    repository: string,
    tag: string,
    env: Readonly<Record<string, string>> = {},
    volumes: readonly string[] = [],
  ): string {
    return this.registry.publish(repository, tag, { APP_VERSION: tag, ...env }, volumes);
  }

  /** A docker command (without the word docker) on a host, past SSH. @throws Error when it fails */
  async docker(name: string, args: readonly string[]): Promise<string> {
    let stdout = '';
    let stderr = '';
    const io = {
      readSome: () => Promise.resolve(undefined),
      readStdin: () => Promise.resolve(Buffer.alloc(0)),
      stdinEnded: Promise.resolve(),
      isHungUp: () => false,
      stdout: (text: string) => void (stdout += text),
      stderr: (text: string) => void (stderr += text),
      signal: new AbortController().signal,
    };
    const exitCode = await runDocker(dockerContext(this.host(name).machine, io), args);
    if (exitCode !== 0) throw new Error(`${name}: docker ${args.join(' ')} exited with ${exitCode}: ${stderr.trim()}`);
    return stdout;
  }

  async close(): Promise<void> {
    await Promise.all(this.balancers.map((balancer) => balancer.close()));
    await Promise.all([...this.#hosts.values()].map((host) => host.powerOff()));
    await this.registry.stop();
    if (this.#removesDir) await rm(this.dir, { recursive: true, force: true });
  }
}

/** Starts a fleet of empty hosts; all of it is gone after {@link Sandbox.close}. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const clock = options.clock ?? systemClock;
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'rollout-sandbox-')));
  const registry = new Registry(options.registryAuth ?? { kind: 'none' });
  await registry.listen();

  const outside = new Set([Number(registry.address.split(':')[1])]);
  const userKey = generateSshKey();
  const hosts = new Map<string, SandboxHost>();
  const hostKeys = new Map<string, string>();
  for (let number = 1; number <= options.hosts; number += 1) {
    const name = `h${number}`;
    const hostKey = generateSshKey();
    hostKeys.set(name, hostKey.publicKey);
    hosts.set(
      name,
      new SandboxHost({
        ...machine,
        name,
        clock,
        user,
        engine: new Engine({
          hostname: name,
          clock,
          delays: scaleDelays(options.delayFactor ?? 1),
          images: { resolve: (ref, credentials: Credentials) => registry.resolve(ref, credentials) },
        }),
        hostKey: hostKey.privateKey,
        userKey: userKey.blob,
        latencyMs: options.latencyMs ?? 0,
        sudoPassword: options.sudoPassword,
        reachesOutside: (port) => outside.has(port),
      }),
    );
  }
  for (const host of hosts.values()) await host.sshd.listen();

  const targets = [...hosts.values()].map((host) => ({
    name: host.name,
    connect: () => host.connect(appPort),
    check: () => host.check(checkPort, checkPath),
  }));
  const policy = options.check ?? defaultCheck;
  const balancers = Array.from(
    { length: options.balancers ?? 1 },
    () => new Balancer(targets, { backend: backendName, policy, clock, serverTimeoutMs }),
  );
  for (const balancer of balancers) {
    await balancer.listen();
    outside.add(balancer.port);
  }

  const inventoryFile = await writeAccessFiles(dir, {
    user,
    privateKey: userKey.privateKey,
    hosts: [...hosts.values()].map(({ name, sshd }) => ({ name, port: sshd.port, hostKey: hostKeys.get(name) ?? '' })),
  });
  const removesDir = options.dir === undefined;
  return new Sandbox({ dir, removesDir, inventoryFile, registry, balancers, outside, hosts });
}
