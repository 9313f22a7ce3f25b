import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import type { SandboxOptions } from '../../../src/sandbox/sandbox.ts';
import { containersOn } from '../../support/containers.ts';
import { writePlaybook, type PlaybookParts } from '../../support/playbooks.ts';
import { runRollout, startRollout, type FinishedRollout, type RunningRollout } from '../../support/rollout.ts';
import { startSandboxFleet, type SandboxFleet } from '../../support/sandbox-fleet.ts';

/** A quick sandbox fleet, and the tool as its users run it. */
export interface Stage {
  readonly fleet: SandboxFleet;
  readonly cwd: string;
  /** An image of the application; resolves to its full reference. */
  app(version: string, env?: Readonly<Record<string, string>>): Promise<string>;
  /** One node at a time, short waits; `strategy` over that. */
  playbook(app: string, parts?: Partial<PlaybookParts>): Promise<string>;
  /** Every host on `version`, whatever it ran before. */
  deploy(version: string, parts?: Partial<PlaybookParts>): Promise<string>;
  rollout(...args: readonly string[]): Promise<FinishedRollout>;
  start(...args: readonly string[]): RunningRollout;
  /** As {@link rollout}, for people. */
  plain(...args: readonly string[]): Promise<FinishedRollout>;
  /** Version that each host's `app` runs, by its image. */
  versions(): Promise<Readonly<Record<string, string>>>;
  /** Every host up, every server ready. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

const quick = {
  canary: { hosts: 1, bake: '200ms', min_requests: 0 },
  max_unavailable: 1,
  min_available: 1,
  min_healthy_time: '50ms',
  healthy_deadline: '5s',
  progress_deadline: '20s',
  drain: { timeout: '5s' },
};
const everyoneAtOnce = { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' };

export async function startStage(options: Partial<SandboxOptions> = {}): Promise<Stage> {
  const fleet = await startSandboxFleet({
    hosts: 4,
    delayFactor: 0.05,
    check: { intervalMs: 30, fall: 2, rise: 2 },
    ...options,
  });
  const cwd = await mkdtemp(join(tmpdir(), 'rollout-scenario-'));
  const health = await fleet.publish('shop/health', '1');
  const settings = { script: inject('rolloutScript'), cwd };
  const app = (version: string, env: Readonly<Record<string, string>> = {}) =>
    fleet.publish('shop/app', version, { APP_VERSION: version, ...env });
  const playbook = (image: string, parts: Partial<PlaybookParts> = {}) =>
    writePlaybook(fleet, {
      health,
      app: image,
      ...parts,
      strategy: { ...quick, ...parts.strategy, canary: { ...quick.canary, ...asKeys(parts.strategy?.['canary']) } },
    });
  const rollout = (...args: readonly string[]) => runRollout([...args, '--output', 'json'], settings);
  return {
    fleet,
    cwd,
    app,
    playbook,
    rollout,
    start: (...args) => startRollout([...args, '--output', 'json'], settings),
    plain: (...args) => runRollout([...args, '--output', 'plain'], settings),
    deploy: async (version, parts = {}) => {
      const image = await app(version);
      const file = await playbook(image, { ...parts, strategy: everyoneAtOnce });
      const { exitCode, stderr, stdout } = await rollout(file);
      if (exitCode !== 0) throw new Error(`the first deployment ended with ${exitCode ?? '?'}\n${stderr}\n${stdout}`);
      return image;
    },
    versions: async () =>
      Object.fromEntries(
        await Promise.all(fleet.hosts.map(async (host) => [host, await versionOn(fleet, host)] as const)),
      ),
    reset: async () => {
      for (const host of fleet.hosts) {
        await fleet.heal(host);
        await fleet.hostUp(host);
        fleet.sandbox.host(host).machine.hasDocker = true;
        for (const balancer of fleet.sandbox.balancers) {
          balancer.setServer(host, 'ready');
          balancer.setWeight(host, 1);
          balancer.setBackup(host, false);
        }
      }
      for (const balancer of fleet.sandbox.balancers) balancer.setStatsMode('ok');
    },
    close: async () => {
      await fleet.close();
      await rm(cwd, { recursive: true, force: true });
    },
  };
}

function asKeys(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}

async function versionOn(fleet: SandboxFleet, host: string): Promise<string> {
  const label = '{{index .Config.Labels "rollout.image"}}';
  const image = await fleet.docker(host, ['container', 'inspect', '--format', label, 'app']);
  return /:([\w.-]+)@/.exec(image.trim())?.[1] ?? image.trim();
}

/** Container ids of `app`, per host: the same only where it is the very same container. */
export async function appsOf({ fleet }: Stage): Promise<Readonly<Record<string, string | undefined>>> {
  const ids = fleet.hosts.map(async (host) => {
    const line = (await containersOn(fleet, host)).find((text) => text.startsWith('app '));
    return [host, line?.split(' ').at(-1)] as const;
  });
  return Object.fromEntries(await Promise.all(ids));
}

/** What happened to nodes, in order, one line each; the last line is the end. */
export function story(events: readonly Event[]): readonly string[] {
  return events.flatMap((event): string[] => {
    switch (event.type) {
      case 'host_unreachable':
        return [`${event.host} unreachable`];
      case 'node_started':
        return [`${event.host} starts: ${event.role}`];
      case 'node_done':
        return [`${event.host} ${event.result === 'unchanged' ? 'unchanged' : 'done'}`];
      case 'node_failed':
        return [`${event.host} failed: ${event.failure.op.text}: ${event.failure.message}`];
      case 'node_restored':
        if (event.serving) return [`${event.host} restored`];
        return [`${event.host} ${event.again === true ? 'still ' : ''}not put back`];
      case 'bake_finished':
        return [`bake ${event.verdict}`];
      case 'run_paused':
        return ['paused'];
      case 'run_finished': {
        const hosts = Object.entries(event.hosts).map(([host, { result }]) => `${host} ${result}`);
        return [`${event.outcome}, exit ${event.exitCode}: ${hosts.join(', ')}`];
      }
      default:
        return [];
    }
  });
}

/** Texts of an event stream's warnings. */
export function warningsOf(events: readonly Event[]): readonly string[] {
  return events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
}
