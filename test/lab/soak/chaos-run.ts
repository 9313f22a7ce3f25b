import { setTimeout as sleep } from 'node:timers/promises';
import type { Event } from '../../../src/events/event.ts';
import type { LoadReport } from '../../../src/sandbox/load.ts';
import { containersOn, statesOn } from '../../support/containers.ts';
import { runRollout, startRollout, type FinishedRollout, type RunningRollout } from '../../support/rollout.ts';
import { underLoad } from '../../support/under-load.ts';
import { startRecord, type BalancerRecord, type Outage } from '../support/balancer-record.ts';
import type { Lab } from '../support/fleet.ts';
import { hostAddress, ports } from '../support/layout.ts';
import { watchServer } from './allowance.ts';
import type { Fault } from './faults.ts';

/** Where in a run a fault strikes. */
export interface Strike {
  /** The node that is being updated then. */
  readonly updated: string;
  /** The node that a fault of `hits: 'other'` hits. */
  readonly other: string;
  readonly moment: Moment;
  readonly delayMs: number;
}

/** The steps of one node's update after which a fault may strike. */
export const moments = {
  'drain started': (event: Event) => event.type === 'drain_started',
  drained: (event: Event) => event.type === 'node_drained',
  'app stopped': (event: Event) => event.type === 'op_finished' && event.op.kind === 'stop',
  'app parked': (event: Event) => event.type === 'op_finished' && event.op.kind === 'rename',
  'app started': (event: Event) => event.type === 'op_finished' && event.op.kind === 'start',
  verified: (event: Event) => event.type === 'node_verified',
} as const;
export type Moment = keyof typeof moments;

export interface ChaosInput {
  readonly script: string;
  readonly cwd: string;
  readonly playbook: string;
  readonly version: string;
  /** Nodes that the strategy promises to be UP besides those that a fault took away. */
  readonly promisedUp: number;
}

export interface ChaosResult {
  readonly first: FinishedRollout;
  readonly load: LoadReport;
  /** Requests that the fault itself could kill: those of the node it hit, until the balancer knew. */
  readonly allowance: number;
  readonly fewestUp: number;
  readonly longestSilenceMs: number;
  /** Docker itself held a port that nobody used, and had to be restarted by hand before the next run. */
  readonly isPortLeaked: boolean;
  /** The next run. */
  readonly healing: FinishedRollout;
  readonly healingLoad: LoadReport;
  /** Everything that is not as it must be; empty if all is well. */
  readonly wrong: readonly string[];
}

/** A run that is struck by a fault; the fault is mended, and the next run must put everything right. */
export async function runWithFault(lab: Lab, fault: Fault, strike: Strike, input: ChaosInput): Promise<ChaosResult> {
  const record = await startRecord({ statsUrl: lab.statsUrl });
  const hit = fault.hits === 'none' ? undefined : fault.hits === 'updated' ? strike.updated : strike.other;
  let allowance = 0;
  const { result: first, report: load } = await underGentleLoad(lab, async () => {
    const running = startRollout([input.playbook, '--output', 'json'], input);
    await running.event((event) => 'host' in event && event.host === strike.updated && moments[strike.moment](event));
    await sleep(strike.delayMs);
    const watch = hit === undefined ? undefined : await watchServer(lab.statsUrl, hit);
    const { ending } = await fault.inject(lab, hit ?? strike.updated, running);
    allowance = (await watch?.killable()) ?? 0;
    const finished = await endOf(running);
    await ending;
    return finished;
  });
  const { outages } = await record.stop();
  await fault.takeAway(lab, hit ?? strike.updated);

  const again = ['--output', 'json', '--lock-timeout', '60s'];
  const { result, report: healingLoad } = await underGentleLoad(lab, () =>
    runRollout([input.playbook, ...again], input),
  );
  const isPortLeaked = result.exitCode !== 0 && result.stdout.includes('port is already allocated');
  if (isPortLeaked && hit !== undefined) await restartDocker(lab, hit);
  const healing = isPortLeaked ? await runRollout([input.playbook, ...again], input) : result;
  const third = await runRollout([input.playbook, ...again], input);

  const fewestUp = lab.hosts.length - mostOutAtOnce(outages, hit);
  const longestSilenceMs = longestSilence(first.events);
  const wrong = [
    ...(load.failed > allowance ? [`${load.failed} requests lost, ${allowance} allowed`] : []),
    ...(fewestUp < input.promisedUp ? [`only ${fewestUp} UP, ${input.promisedUp} promised`] : []),
    ...(longestSilenceMs > silenceLimitMs ? [`silent for ${longestSilenceMs} ms`] : []),
    ...(first.exitCode === 1 ? [`a bug: ${first.stderr}`] : []),
    ...(healing.exitCode === 0 ? [] : [`the next run ended with ${healing.exitCode ?? 'a signal'}: ${healing.stderr}`]),
    ...(healingLoad.failed > 0 ? [`the next run lost ${healingLoad.failed} requests`] : []),
    ...(outcomeOf(third) === 'unchanged' ? [] : [`the third run: ${outcomeOf(third)}`]),
    ...(await strayHosts(lab, input.version)),
  ];
  return { first, load, allowance, fewestUp, longestSilenceMs, isPortLeaked, healing, healingLoad, wrong };
}

/**
 * Some 200 requests a second: enough that each of six nodes answers one every 30 ms, and that two labs fit into two
 * cores, which is what the times of waits and of silence are measured on.
 */
function underGentleLoad<T>(lab: Lab, work: () => Promise<T>): ReturnType<typeof underLoad<T>> {
  return underLoad(lab.frontendUrl, work, { thinkMs: 75 });
}

/** What rollout's hint says: docker 20.10, cut off while it starts a container, forgets to free the container's port. */
async function restartDocker(lab: Lab, host: string): Promise<void> {
  await lab.stopDocker(host);
  await lab.startDocker(host);
}

/** Every wait says something at least every 10 s. */
const silenceLimitMs = 10_000;
/** No run may take for ever, whatever is broken. */
const runLimitMs = 10 * 60_000;

async function endOf(running: RunningRollout): Promise<FinishedRollout> {
  const timer = setTimeout(() => running.process.kill('SIGKILL'), runLimitMs);
  try {
    return await running.finished;
  } finally {
    clearTimeout(timer);
  }
}

export function outcomeOf({ events, stderr }: FinishedRollout): string {
  const ended = events.find((event) => event.type === 'run_finished');
  return ended?.type === 'run_finished' ? ended.outcome : `no end${stderr === '' ? '' : `: ${stderr.trim()}`}`;
}

/** The most servers besides one that were not UP at the same time. */
export function mostOutAtOnce(outages: BalancerRecord['outages'], except: string | undefined): number {
  const others = outages.filter(({ server }) => server !== except);
  const isOut = ({ fromMs, untilMs = Infinity }: Outage, atMs: number): boolean => fromMs <= atMs && atMs < untilMs;
  return Math.max(
    0,
    ...others.map(({ fromMs }) => new Set(others.filter((o) => isOut(o, fromMs)).map(({ server }) => server)).size),
  );
}

function longestSilence(events: readonly Event[]): number {
  return Math.max(0, ...events.map(({ at }, index) => at - (events[index - 1]?.at ?? at)));
}

/** Hosts that do not serve the wanted version, or have other containers than they should. */
async function strayHosts(lab: Lab, version: string): Promise<readonly string[]> {
  const found = await Promise.all(
    lab.hosts.map(async (host) => {
      const served = await fetch(`http://${hostAddress(lab.settings.network, host)}:${ports.app}/`, {
        signal: AbortSignal.timeout(5000),
      }).then(
        (response) => response.headers.get('x-app-version') ?? 'no version',
        (error: unknown) => String(error),
      );
      const states = (await statesOn(lab, host)).join(', ');
      const policies = (await containersOn(lab, host)).map((line) => line.split(' ')[2]).join(' ');
      return [
        ...(served === version ? [] : [`${host} serves ${served}, not ${version}`]),
        ...(states === wantedStates && policies === wantedPolicies ? [] : [`${host} has ${states} (${policies})`]),
      ];
    }),
  );
  return found.flat();
}

const wantedStates = 'app running, app.previous exited, health running';
const wantedPolicies = 'always no always';
