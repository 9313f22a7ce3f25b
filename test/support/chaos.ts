import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad, type LoadFailure } from '../../src/sandbox/load.ts';
import { startRecord } from '../lab/support/balancer-record.ts';
import { containersOn } from './containers.ts';
import { writePlaybook, type PlaybookParts } from './playbooks.ts';
import { runRollout, startRollout, type FinishedRollout } from './rollout.ts';
import { startSandboxChild, type SandboxChild } from './sandbox-child.ts';

export interface ArenaOptions {
  /** How long the balancer's page is wrong, where it is; 3 s by default. */
  readonly blindMs?: number;
  readonly script: string;
  /** Where journals go. */
  readonly cwd: string;
  readonly hosts?: number;
}

/** How a run that was struck, and the runs after it, went. */
export interface Round {
  /** Since the run's process was started. */
  readonly struckAfterMs: number;
  /** The run had ended before it could be struck. */
  readonly hadEnded: boolean;
  readonly exitCodes: readonly (number | null)[];
  readonly requests: number;
  readonly failures: readonly LoadFailure[];
  /** Requests that a fault of the kind may cost. */
  readonly cut: number;
  readonly minimumUp: number;
  /** What is not as it must be; empty when all is well. */
  readonly wrong: readonly string[];
}

export type Struck = Omit<Round, 'requests' | 'failures' | 'cut' | 'minimumUp'> & {
  readonly maySuffer?: boolean;
  /** How many were UP could not be read all the while. */
  readonly isBlind?: boolean;
};

const blindness = [
  'down',
  { instead: 'html' },
  { instead: 'nothing' },
  { instead: 'error' },
  { instead: 'half' },
  { instead: 'another' },
  { delayMs: 4000 },
] as const;
const blindMs = 3000;
const drainLimitMs = 10_000;

/** No run waits longer for hosts that answer nonsense. */
const mostRunMs = 480_000;

/** Servers that must be UP at any moment: `max_unavailable` of the hosts may be missing, and no more. */
const maxUnavailable = 2;

/** Gentle: the machine is for the runs. */
const traffic = { connections: 8, slowShare: 0.25, slowMs: [100, 400], thinkMs: 20 } as const;

/**
 * A sandbox fleet in a process of its own, that is updated under load again and again: what is left of one
 * round is where the next one begins.
 */
export class Arena {
  readonly fleet: SandboxChild;
  readonly options: ArenaOptions;
  readonly health: string;
  /** Of the application, in the newest playbook. */
  version = 0;
  /** How long an undisturbed run takes here. */
  usualMs = 0;

  private constructor(fleet: SandboxChild, health: string, options: ArenaOptions) {
    this.fleet = fleet;
    this.health = health;
    this.options = options;
  }

  static async start(options: ArenaOptions): Promise<Arena> {
    const { hosts = 5 } = options;
    const fleet = await startSandboxChild({
      hosts,
      delayFactor: 0.1,
      check: { intervalMs: 30, fall: 2, rise: 2 },
    });
    const health = await fleet.publish('shop/health', '1');
    const arena = new Arena(fleet, health, options);
    await arena.#deploy();
    const startedMs = Date.now();
    await arena.#deploy();
    arena.usualMs = Date.now() - startedMs;
    return arena;
  }

  /** One run killed at a moment of `at` (0: its start, 1: its usual end), then run again, then once more. */
  async killed(at: number): Promise<Round> {
    const playbook = await this.nextPlaybook();
    return this.observe(at, async () => {
      const struck = await this.strike(playbook, at, 'SIGKILL');
      const again = await this.run(playbook, '--lock-timeout', '20s');
      const third = await this.run(playbook);
      const wrong = [
        ...(again.exitCode === 0 ? [] : [`run again: ${endOf(again)}`]),
        ...(outcomeOf(third) === 'unchanged' ? [] : [`the third run: ${endOf(third)}`]),
        ...(await this.unlikeWanted()),
      ];
      return { ...struck, exitCodes: [struck.run.exitCode, again.exitCode, third.exitCode], wrong };
    });
  }

  /** One run interrupted at a moment; every node serves when it has ended. */
  async interrupted(at: number): Promise<Round> {
    const playbook = await this.nextPlaybook();
    return this.observe(at, async () => {
      const struck = await this.strike(playbook, at, 'SIGINT');
      const serving = await this.fleet.call('usable');
      const silent = this.fleet.hosts.filter((host) => !serving.includes(host));
      const { run, hadEnded } = struck;
      const isExpected = run.exitCode === 130 || (hadEnded && run.exitCode === 0) || isJustDone(run) || isUnborn(run);
      const wrong = [
        ...(isExpected ? [] : [`interrupted: ${endOf(run)}`]),
        ...(silent.length === 0 ? [] : [`not serving afterwards: ${silent.join(', ')}`]),
      ];
      const after = await this.run(playbook);
      if (after.exitCode !== 0) wrong.push(`run again: ${endOf(after)}`);
      return {
        ...struck,
        exitCodes: [run.exitCode, after.exitCode],
        wrong: [...wrong, ...(await this.unlikeWanted())],
      };
    });
  }

  /**
   * Docker lies on some hosts from a moment of a run on, and tells the truth once it has ended. Every node serves then
   * that the run does not name as failed, with what the run says of it, and the next run makes all of them right.
   */
  async lied(at: number): Promise<Round> {
    const before = this.version;
    const playbook = await this.nextPlaybook();
    return this.observe(at, async () => {
      const random = seededRandom(at * 2 ** 32);
      const chosen = this.fleet.hosts.filter(() => random() < 0.6);
      const percent = [3, 10, 30, 60][Math.floor(random() * 4)] ?? 10;
      const running = startRollout([playbook, '--output', 'json', '--lock-timeout', '20s'], this.options);
      const startedMs = Date.now();
      // In half of the rounds from the first look on, in the others once a node is being changed.
      const begins = random() < 0.3 ? running.event(() => true) : running.event(({ type }) => type === 'node_started');
      await begins.catch(() => undefined);
      const struckAfterMs = Date.now() - startedMs;
      for (const host of chosen)
        await this.fleet.call('setLies', host, { seed: Math.floor(random() * 2 ** 30), percent });
      const isOver = await Promise.race([running.finished.then(() => true), sleep(mostRunMs, false)]);
      if (!isOver) running.process.kill('SIGKILL');
      const run = await running.finished;
      for (const host of chosen) await this.fleet.call('setLies', host, null);
      const wrong = [
        ...(isOver ? [] : [`it did not end within ${mostRunMs / 1000} s`]),
        ...(await this.unlikeSaid(run, before)),
      ];
      const again = await this.run(playbook, '--lock-timeout', '40s');
      if (again.exitCode !== 0) wrong.push(`run again: ${endOf(again)}`);
      wrong.push(...(await this.unlikeWanted()), ...(await this.silent()).map((host) => `${host} does not serve`));
      return {
        struckAfterMs,
        hadEnded: chosen.length === 0,
        exitCodes: [run.exitCode, again.exitCode],
        wrong: wrong.map((each) => `${each} (lies ${percent} % on ${chosen.join(', ')})`),
        // Who is lied to cuts requests off that a truthful docker would have let end.
        maySuffer: true,
      };
    });
  }

  /**
   * For a while in the middle of a run the balancer's page answers something else: the run waits, and loses nothing. For
   * longer than a node may take to drain, it puts the node back unseen, and the next run does what this one could not.
   */
  async blinded(at: number): Promise<Round> {
    const before = this.version;
    const lengthMs = this.options.blindMs ?? blindMs;
    const playbook = await this.nextPlaybook();
    const mode = blindness[Math.floor(at * blindness.length)] ?? 'down';
    return this.observe(at, async () => {
      const running = startRollout([playbook, '--output', 'json', '--lock-timeout', '20s'], this.options);
      const startedMs = Date.now();
      const hadEnded = await running
        .event(({ type }) => type === 'node_started')
        .then(
          () => false,
          () => true,
        );
      await this.fleet.call('setStatsMode', mode);
      const struckAfterMs = Date.now() - startedMs;
      await Promise.race([sleep(lengthMs), running.finished]);
      await this.fleet.call('setStatsMode', 'ok');
      const run = await running.finished;
      const mayGoBack = lengthMs > drainLimitMs && run.exitCode === 5;
      const again = mayGoBack ? ([await this.unlikeSaid(run, before), await this.run(playbook)] as const) : undefined;
      const wrong = [
        ...(run.exitCode === 0 || mayGoBack ? [] : [`${JSON.stringify(mode)}: ${endOf(run)}`]),
        ...(again?.[0] ?? []),
        ...(await this.unlikeWanted()),
        ...(await this.silent()).map((host) => `${host} does not serve`),
      ];
      const exitCodes = [run.exitCode, ...(again === undefined ? [] : [again[1].exitCode])];
      return { struckAfterMs, hadEnded, exitCodes, wrong, isBlind: true };
    });
  }

  /** How often docker has lied so far, by kind. */
  lies(): Promise<Readonly<Record<string, number>>> {
    return this.fleet.call('lies');
  }

  /** Two runs of the same playbook, started together: one goes on, the other is told who holds the hosts. */
  async twoRuns(): Promise<Round> {
    const playbook = await this.nextPlaybook();
    return this.observe(0, async () => {
      const runs = await Promise.all([this.run(playbook), this.run(playbook)]);
      const exitCodes = runs.map(({ exitCode }) => exitCode).sort();
      const winner = runs.find(({ exitCode }) => exitCode === 0);
      const refused = runs.find(({ exitCode }) => exitCode === 6);
      const isTold = refused?.stderr.includes(`run ${winner?.events[0]?.run ?? '?'} of `) === true;
      const isRight = exitCodes.join() === '0,6' && isTold;
      const wrong = isRight ? [] : [`two runs: ${runs.map(endOf).join(' | ')}`];
      return { struckAfterMs: 0, hadEnded: false, exitCodes, wrong: [...wrong, ...(await this.unlikeWanted())] };
    });
  }

  /**
   * Two runs of which each wants hosts that the other does not, and some that both do: one goes on, at once, and the
   * other is told; with `--lock-timeout` it goes on as well, afterwards.
   */
  async overlappingRuns(at: number): Promise<Round> {
    const playbook = await this.nextPlaybook();
    const waits = at < 0.3 ? ['--lock-timeout', '60s'] : [];
    const limits = overlap(this.fleet.hosts, at);
    return this.observe(at, async () => {
      const runs = await Promise.all(limits.map((hosts) => this.run(playbook, '--limit', hosts.join(','), ...waits)));
      const exitCodes = runs.map(({ exitCode }) => exitCode).sort();
      const isRight = exitCodes.join() === (waits.length > 0 ? '0,0' : '0,6');
      const wrong = isRight ? [] : [`${limits.join(' | ')}: ${runs.map(endOf).join(' | ')}`];
      const after = await this.run(playbook);
      if (after.exitCode !== 0) wrong.push(`run afterwards: ${endOf(after)}`);
      return { struckAfterMs: 0, hadEnded: false, exitCodes, wrong: [...wrong, ...(await this.unlikeWanted())] };
    });
  }

  close(): Promise<void> {
    return this.fleet.close();
  }

  async observe(at: number, work: () => Promise<Struck>): Promise<Round> {
    const load = startLoad({ url: this.fleet.frontendUrl, ...traffic });
    const record = await startRecord({ statsUrl: this.fleet.statsUrl }, { intervalMs: 25 });
    const { struckAfterMs, hadEnded, exitCodes, wrong, maySuffer = false, isBlind = false } = await work();
    const { minimumUp = 0 } = await record.stop();
    const { requests, failures } = await load.stop();
    const promised = this.fleet.hosts.length - maxUnavailable;
    return {
      struckAfterMs,
      hadEnded,
      exitCodes,
      requests,
      failures: maySuffer ? [] : failures,
      cut: maySuffer ? failures.length : 0,
      minimumUp,
      wrong:
        minimumUp >= promised || maySuffer || isBlind
          ? wrong
          : [...wrong, `${minimumUp} UP, ${promised} promised (struck at ${at})`],
    };
  }

  async strike(
    playbook: string,
    at: number,
    signal: 'SIGKILL' | 'SIGINT',
  ): Promise<{ run: FinishedRollout; struckAfterMs: number; hadEnded: boolean }> {
    const running = startRollout([playbook, '--output', 'json', '--lock-timeout', '20s'], this.options);
    const startedMs = Date.now();
    const struckAfterMs = Math.round(at * this.usualMs);
    await Promise.race([sleep(struckAfterMs), running.finished]);
    const hadEnded = running.process.exitCode !== null;
    // The machine has become quicker: later moments are drawn from what a run takes now.
    if (hadEnded) this.usualMs = Date.now() - startedMs;
    running.process.kill(signal);
    return { run: await running.finished, struckAfterMs, hadEnded };
  }

  run(playbook: string, ...args: readonly string[]): Promise<FinishedRollout> {
    return runRollout([playbook, '--output', 'json', ...args], this.options);
  }

  /** Another version of the application; every third time another health container as well. */
  async nextPlaybook(parts: Partial<PlaybookParts> = {}): Promise<string> {
    this.version += 1;
    const version = String(this.version);
    return writePlaybook(this.fleet, {
      health: this.health,
      app: await this.fleet.publish('shop/app', version, { APP_VERSION: version }),
      healthKeys: { environment: { TUNED: String(Math.floor(this.version / 3)) } },
      ...parts,
      strategy: {
        canary: { hosts: 1, bake: '200ms', bake_max: '200ms', min_requests: 5 },
        max_unavailable: maxUnavailable,
        min_available: this.fleet.hosts.length - maxUnavailable,
        min_healthy_time: '50ms',
        drain: { timeout: `${drainLimitMs / 1000}s` },
        ...parts.strategy,
      },
    });
  }

  async #deploy(): Promise<void> {
    const playbook = await this.nextPlaybook();
    const { exitCode, stderr, stdout } = await this.run(playbook);
    if (exitCode !== 0) throw new Error(`a deployment ended with ${exitCode ?? 'a signal'}\n${stderr}\n${stdout}`);
  }

  /** Hosts that the balancer does not send to, though nothing keeps them from it. */
  async silent(): Promise<readonly string[]> {
    for (let tries = 0; ; tries += 1) {
      const serving = await this.fleet.call('usable');
      const silent = this.fleet.hosts.filter((host) => !serving.includes(host));
      if (silent.length === 0 || tries === 20) return silent;
      await sleep(50);
    }
  }

  /** What is not as a run has said of its end: which hosts serve, and with which version. */
  async unlikeSaid(run: FinishedRollout, versionBefore: number): Promise<readonly string[]> {
    const last = run.events.at(-1);
    if (last?.type !== 'run_finished' || run.exitCode !== last.exitCode || ![0, 3, 4, 5].includes(last.exitCode))
      return [`the run: ${endOf(run)}`];
    const silent = await this.silent();
    const found = await Promise.all(
      this.fleet.hosts.map(async (host): Promise<readonly string[]> => {
        const { result = 'untouched' } = last.hosts[host] ?? {};
        const serves = !silent.includes(host);
        // Not read, and so not touched: it is as it was.
        if (result === 'unreachable') return serves ? [] : [`${host} is unreachable, and does not serve`];
        if (result === 'failed') {
          const isSaid = run.events.some(
            (event) => event.type === 'node_restored' && event.host === host && event.next !== undefined,
          );
          return [
            ...(last.exitCode === 3 ? [] : [`${host} is failed`]),
            ...(isSaid || serves ? [] : [`${host} does not serve, and nothing is said of it`]),
          ];
        }
        const version = result === 'updated' || result === 'unchanged' ? this.version : versionBefore;
        const runs = await this.versionOn(host);
        return [
          ...(serves ? [] : [`${host} is ${result}, and does not serve`]),
          ...(runs === String(version) ? [] : [`${host} is ${result}, and runs ${runs} instead of ${version}`]),
        ];
      }),
    );
    return found.flat().map((each) => `exit ${last.exitCode}: ${each}`);
  }

  async versionOn(host: string): Promise<string> {
    const label = '{{.State.Status}} {{index .Config.Labels "rollout.image"}}';
    const said = await this.fleet.docker(host, ['container', 'inspect', '--format', label, 'app']).catch(String);
    return /^running \S+\/app:(\w+)/.exec(said)?.[1] ?? said.trim();
  }

  /** What any host runs beside, or instead of, what the playbook wants. */
  async unlikeWanted(): Promise<readonly string[]> {
    const app = `${this.fleet.registry}/shop/app:${this.version}`;
    const found = await Promise.all(
      this.fleet.hosts.map(async (host) => {
        const label = '{{index .Config.Labels "rollout.image"}}';
        const made = await this.fleet.docker(host, ['container', 'inspect', '--format', label, 'app']);
        const [wanted] = made.trim().split('@');
        const containers = (await containersOn(this.fleet, host)).map((line) => line.split(' ').slice(0, 4));
        return containers.flatMap(([name = '', status, restart, image = '']) => {
          const isRight = name.endsWith('.previous')
            ? status !== 'running' && restart === 'no'
            : status === 'running' && restart === 'always' && (name !== 'app' || wanted === app);
          return isRight && !name.endsWith('.next')
            ? []
            : [`${host}: ${name} ${status ?? ''} ${restart ?? ''} ${image}`];
        });
      }),
    );
    return found.flat();
  }
}

/** Two sets of hosts, in different orders, that have some in common and some not. */
function overlap(hosts: readonly string[], seed: number): readonly [readonly string[], readonly string[]] {
  const random = seededRandom(seed * 1_000_000);
  const shuffled = hosts
    .map((host) => ({ host, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ host }) => host);
  const without = (one: number): readonly string[] => shuffled.filter((_, index) => index !== one);
  return [without(0), [...without(1)].reverse()];
}

/** The signal came when everything had been done, and the process had only to end. */
function isJustDone(run: FinishedRollout): boolean {
  return run.exitCode === 0 && outcomeOf(run) === 'changed';
}

/** The signal came before the program could listen to it, and so before it did anything: a shell shows 130 for it. */
function isUnborn({ signal, events }: FinishedRollout): boolean {
  return signal === 'SIGINT' && events.length === 0;
}

export function outcomeOf({ events }: FinishedRollout): string {
  const last = events.at(-1);
  return last?.type === 'run_finished' ? last.outcome : 'no end';
}

export function endOf(run: FinishedRollout): string {
  const failures = run.events.flatMap((event) =>
    event.type === 'node_failed' ? [`${event.host}: ${event.failure.op.text}: ${event.failure.message}`] : [],
  );
  return [`exit ${run.exitCode ?? run.signal ?? '?'}`, outcomeOf(run), ...failures, run.stderr.trim()].join(', ');
}

/** A repeatable stream of numbers in [0, 1): mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
