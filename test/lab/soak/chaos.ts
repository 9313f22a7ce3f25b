import type { Event } from '../../../src/events/event.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout } from '../../support/rollout.ts';
import type { Lab } from '../support/fleet.ts';
import { moments, outcomeOf, runWithFault, type ChaosResult, type Moment, type Strike } from './chaos-run.ts';
import { faults } from './faults.ts';

export interface ChaosOptions {
  readonly script: string;
  readonly cwd: string;
  /** Of each fault. */
  readonly runs: number;
  /** Names of `faults`. */
  readonly faults: readonly string[];
  readonly seed: number;
  readonly say: (line: string) => void;
}

interface Totals {
  readonly outcomes: Map<string, number>;
  requests: number;
  lost: number;
  allowed: number;
  fewestUp: number;
  longestSilenceMs: number;
  /** Runs after which docker had to be restarted by hand. */
  leaks: number;
  wrong: number;
}

const promisedUp = 4;
const strategy = { max_unavailable: 2, min_available: promisedUp };

/** @returns whether after every fault nothing was lost but what the fault killed, and the next run put everything right. */
export async function soakChaos(lab: Lab, options: ChaosOptions): Promise<boolean> {
  const { say, seed } = options;
  const random = randomFrom(seed);
  const health = await lab.publish('shop/health', '1');
  let version = 0;
  const nextRelease = async (): Promise<{ playbook: string; version: string }> => {
    version += 1;
    const app = await lab.publish('shop/app', String(version), { APP_VERSION: String(version) });
    return { playbook: await writePlaybook(lab, { health, app, strategy }), version: String(version) };
  };
  for (let deployment = 1; deployment <= 2; deployment += 1) {
    const { exitCode, stderr } = await runRollout([(await nextRelease()).playbook], options);
    if (exitCode !== 0) throw new Error(`the first deployments ended with ${exitCode ?? 'a signal'}: ${stderr}`);
  }

  say(`seed ${seed}`);
  const summary: string[] = [];
  let wrong = 0;
  for (const name of options.faults) {
    const fault = faults[name];
    if (fault === undefined) throw new Error(`there is no fault ${name}; there are ${Object.keys(faults).join(', ')}`);
    const totals = emptyTotals();
    for (let run = 1; run <= options.runs; run += 1) {
      const strike = randomStrike(lab.hosts, random);
      const result = await runWithFault(lab, fault, strike, { ...options, ...(await nextRelease()), promisedUp });
      add(totals, result);
      for (const line of describeRun(`${name} ${run}`, strike, result)) say(line);
    }
    wrong += totals.wrong;
    summary.push(describeTotals(fault.title, options.runs, totals));
  }
  for (const line of summary) say(line);
  return wrong === 0;
}

function randomStrike(hosts: readonly string[], random: () => number): Strike {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const updated = pick(hosts);
  return {
    updated,
    other: pick(hosts.filter((host) => host !== updated)),
    moment: pick(Object.keys(moments) as Moment[]),
    delayMs: Math.floor(random() * 500),
  };
}

function emptyTotals(): Totals {
  return {
    outcomes: new Map(),
    requests: 0,
    lost: 0,
    allowed: 0,
    fewestUp: Infinity,
    longestSilenceMs: 0,
    leaks: 0,
    wrong: 0,
  };
}

function add(totals: Totals, result: ChaosResult): void {
  const { first, load, allowance, fewestUp, longestSilenceMs, wrong } = result;
  const outcome = `exit ${first.exitCode ?? first.signal ?? 'none'}`;
  totals.outcomes.set(outcome, (totals.outcomes.get(outcome) ?? 0) + 1);
  totals.requests += load.requests;
  totals.lost += load.failed;
  totals.allowed += allowance;
  totals.fewestUp = Math.min(totals.fewestUp, fewestUp);
  totals.longestSilenceMs = Math.max(totals.longestSilenceMs, longestSilenceMs);
  totals.leaks += result.isPortLeaked ? 1 : 0;
  totals.wrong += wrong.length === 0 ? 0 : 1;
}

function describeRun(title: string, { updated, other, moment, delayMs }: Strike, result: ChaosResult): string[] {
  const { first, load, allowance, fewestUp, longestSilenceMs, healing, wrong } = result;
  const seconds = (events: readonly Event[]): string =>
    `${(((events.at(-1)?.at ?? 0) - (events[0]?.at ?? 0)) / 1000).toFixed(0)} s`;
  return [
    `${title}: ${updated} ${moment} + ${delayMs} ms (other ${other}): exit ${first.exitCode ?? first.signal ?? 'none'} ` +
      `${outcomeOf(first).split('\n')[0] ?? ''} after ${seconds(first.events)}, ${load.failed} of ${load.requests} requests lost ` +
      `(${allowance} allowed), fewest UP ${fewestUp}, longest silence ${(longestSilenceMs / 1000).toFixed(1)} s; ` +
      `${result.isPortLeaked ? 'docker restarted by hand (it kept a port), ' : ''}next run ${outcomeOf(healing)} after ${seconds(healing.events)}${wrong.length === 0 ? '' : ' NOT RIGHT'}`,
    ...said(first.events).map((line) => `    ${line}`),
    ...load.failures.slice(0, wrong.length === 0 ? 0 : 10).map((failure) => `  lost: ${JSON.stringify(failure)}`),
    ...wrong.map((line) => `  NOT RIGHT: ${line}`),
  ];
}

/** What an operator reads of a run that did not go as planned. */
function said(events: readonly Event[]): string[] {
  const startedMs = events[0]?.at ?? 0;
  return events.flatMap((event) => {
    const at = `${((event.at - startedMs) / 1000).toFixed(1)} s`;
    const host = 'host' in event ? `${event.host}: ` : '';
    if (event.type === 'warning') return [`${at} ${host}${event.message}`];
    if (event.type === 'waiting') return [`${at} ${host}waiting for ${event.message}`];
    if (event.type === 'node_failed') return [`${at} ${host}FAILED ${event.failure.op.text}: ${event.failure.message}`];
    if (event.type === 'node_restored') return [`${at} ${host}restored, ${event.message ?? 'serving'}`];
    if (event.type === 'run_finished')
      return [
        `${at} ${Object.entries(event.hosts)
          .map(([name, { result }]) => `${name} ${result}`)
          .join(', ')}`,
      ];
    return [];
  });
}

function describeTotals(title: string, runs: number, totals: Totals): string {
  const outcomes = [...totals.outcomes].sort().map(([outcome, count]) => `${outcome} × ${count}`);
  return (
    `${title}: ${runs} runs (${outcomes.join(', ')}), ${totals.requests} requests, ${totals.lost} lost ` +
    `(${totals.allowed} allowed), fewest UP ${totals.fewestUp}, longest silence ` +
    `${(totals.longestSilenceMs / 1000).toFixed(1)} s, ` +
    `docker restarted by hand × ${totals.leaks}, ${totals.wrong} not as they must be`
  );
}

/** Mulberry32: the same series for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
