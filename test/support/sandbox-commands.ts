import type { StatsMode } from '../../src/sandbox/balancer/balancer.ts';
import { liar, type Lies } from './liar.ts';
import type { Sandbox, SandboxOptions } from '../../src/sandbox/sandbox.ts';

/** What a sandbox in another process says first. */
export interface SandboxPlaces {
  readonly hosts: readonly string[];
  readonly dir: string;
  readonly inventoryFile: string;
  readonly registry: string;
  readonly frontendUrl: string;
  readonly statsUrl: string;
}

export type SandboxProcessOptions = Omit<SandboxOptions, 'clock'>;

/** One line to the process, and one back. */
export type Call = { readonly id: number; readonly method: keyof SandboxMethods; readonly args: readonly unknown[] };
export type Answer =
  | { readonly ready: SandboxPlaces }
  | { readonly id: number; readonly result?: unknown }
  | { readonly id: number; readonly error: string };

export type SandboxMethods = ReturnType<typeof methodsOf>;

/** What can be asked of a sandbox in another process. Arguments and results are JSON. */
export function methodsOf(sandbox: Sandbox) {
  const lies: Record<string, number> = {};
  return {
    // What is left out arrives as null.
    publish: (
      repository: string,
      tag: string,
      env?: Readonly<Record<string, string>> | null,
      volumes?: readonly string[] | null,
    ) => sandbox.publish(repository, tag, env ?? {}, volumes ?? []),
    docker: (host: string, args: readonly string[]) => sandbox.docker(host, args),
    setWeight: (host: string, weight: number) => sandbox.balancer.setWeight(host, weight),
    hostDown: (host: string) => sandbox.host(host).powerOff(),
    hostUp: (host: string) => sandbox.host(host).powerOn(),
    restartDaemon: (host: string, downMs: number) => sandbox.host(host).restartDaemon(downMs),
    partition: (host: string) => sandbox.host(host).partition(),
    heal: (host: string) => sandbox.host(host).heal(),
    /** Takes the docker command away from a host, or gives it back. */
    setDocker: (host: string, isInstalled: boolean) => void (sandbox.host(host).machine.hasDocker = isInstalled),
    /** From now on docker lies on a host; null: it tells the truth again. */
    setLies: (host: string, how: Lies | null) => {
      const count = (kind: string): void => void (lies[kind] = (lies[kind] ?? 0) + 1);
      sandbox.host(host).machine.interpose = how === null ? undefined : liar(how, count);
    },
    /** What kinds of lies were told, and how often. */
    lies: () => lies,
    setServer: (host: string, state: 'ready' | 'drain' | 'maint') => sandbox.balancer.setServer(host, state),
    status: (host: string) => sandbox.balancer.status(host),
    usable: () => sandbox.balancer.usable(),
    reload: () => sandbox.balancer.reload(),
    setStatsMode: (mode: StatsMode) => sandbox.balancer.setStatsMode(mode),
    stopRegistry: () => sandbox.registry.stop(),
    startRegistry: () => sandbox.registry.listen(),
    /** CPU time of the process in ms, and its memory in bytes. */
    usage: () => {
      const { user, system } = process.cpuUsage();
      return { cpuMs: (user + system) / 1000, memoryBytes: process.memoryUsage.rss() };
    },
  };
}
