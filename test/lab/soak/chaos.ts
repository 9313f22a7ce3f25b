import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout } from '../../support/rollout.ts';
import { seededRandom } from '../../support/chaos.ts';
import type { Lab } from '../support/fleet.ts';
import { addResult, describeRun, emptyTotals, formatTotals, type Totals } from './chaos-report.ts';
import { moments, runWithFault, type ChaosInput, type Moment, type Strike } from './chaos-run.ts';
import { faults, type Fault } from './faults.ts';

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

const maxUnavailable = 2;

interface Job {
  readonly name: string;
  readonly fault: Fault;
  readonly run: number;
}

/**
 * Every fault, so many times, on as many labs side by side as are given. The same seed strikes at the same moments,
 * whichever lab a run comes to.
 * @returns whether after every fault nothing was lost but what the fault killed, and the next run put everything right
 */
export async function soakChaos(labs: readonly Lab[], options: ChaosOptions): Promise<boolean> {
  const { say, seed, runs } = options;
  const chosen = options.faults.map((name) => ({ name, fault: faultOf(name) }));
  const jobs = chosen.flatMap((each) => Array.from({ length: runs }, (_, index): Job => ({ ...each, run: index + 1 })));
  const totals = new Map<string, Totals>(chosen.map(({ name }) => [name, emptyTotals()]));
  say(`chaos: ${jobs.length} runs on ${labs.length} labs side by side, --seed ${seed}`);

  await Promise.all(
    labs.map(async (lab) => {
      for (const { fault } of chosen) await fault.prepare?.(lab);
      const nextRelease = await deployTwice(lab, options);
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
        const title = `${job.name} ${job.run}`;
        const strike = strikeOf(title, job.run, lab, seed);
        const total = totals.get(job.name) ?? emptyTotals();
        try {
          const result = await runWithFault(lab, job.fault, strike, await nextRelease());
          addResult(total, result);
          for (const line of describeRun(title, strike, result)) say(line);
        } catch (error) {
          // One that shows nothing is wrong as well, but must not take the others along.
          total.wrong += 1;
          say(`${title}: NOT RIGHT: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
          for (const host of [strike.updated, strike.other])
            await job.fault.takeAway(lab, host).catch((failure: unknown) => say(`${title}: ${String(failure)}`));
          await mend(lab);
        }
      }
    }),
  );
  for (const line of formatTotals(chosen.map(({ name, fault }) => [fault.title, totals.get(name) ?? emptyTotals()])))
    say(line);
  return [...totals.values()].every(({ wrong }) => wrong === 0);
}

function faultOf(name: string): Fault {
  const fault = faults[name];
  if (fault === undefined) throw new Error(`there is no fault ${name}; there are ${Object.keys(faults).join(', ')}`);
  return fault;
}

/** Something to go back to on every node. @returns what makes the next release, and its playbook */
async function deployTwice(lab: Lab, options: ChaosOptions): Promise<() => Promise<ChaosInput>> {
  const health = await lab.publish('shop/health', '1');
  const promisedUp = lab.hosts.length - maxUnavailable;
  const strategy = { max_unavailable: maxUnavailable, min_available: promisedUp };
  let version = 0;
  const nextRelease = async (): Promise<ChaosInput> => {
    version += 1;
    const app = await lab.publish('shop/app', String(version), { APP_VERSION: String(version) });
    const playbook = await writePlaybook(lab, { health, app, strategy });
    return { ...options, playbook, version: String(version), promisedUp };
  };
  for (let deployment = 1; deployment <= 2; deployment += 1) {
    const { exitCode, stderr } = await runRollout([(await nextRelease()).playbook], options);
    if (exitCode !== 0) throw new Error(`the first deployments ended with ${exitCode ?? 'a signal'}: ${stderr}`);
  }
  return nextRelease;
}

async function mend(lab: Lab): Promise<void> {
  await lab.startRegistry();
  for (const host of lab.hosts) {
    await lab.ensureOn(host);
    await lab.heal(host);
    await lab.startDocker(host);
  }
}

/** Runs of one fault go through the steps of an update in turn, so that each is struck. */
function strikeOf(title: string, run: number, { hosts }: Lab, seed: number): Strike {
  const random = seededRandom(Buffer.from(title).reduce((sum, byte) => (sum * 31 + byte) >>> 0, seed));
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const updated = pick(hosts);
  const steps = Object.keys(moments) as Moment[];
  return {
    updated,
    other: pick(hosts.filter((host) => host !== updated)),
    moment: steps[(run + seed) % steps.length] ?? 'drained',
    delayMs: Math.floor(random() * 500),
  };
}
