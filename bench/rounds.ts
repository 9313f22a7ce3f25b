import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../test/lab/support/fleet.ts';
import { startLab } from '../test/lab/support/lab.ts';
import { cgroupName } from '../test/lab/support/layout.ts';
import type { LabOptions } from '../test/lab/support/settings.ts';
import { faultsOf, runningOn, unexpectedChanges, wipe, type Running } from './arena.ts';
import { commandOf, contestants, type Contestant, type Wanted } from './contestants.ts';
import { measure, type Measured } from './measure.ts';

export type Job = 'first' | 'idle' | 'update';

/** One timed run, and why it counts for nothing, if so. */
export interface Figure extends Measured {
  readonly job: Job;
  readonly contestant: Contestant;
  readonly hosts: number;
  readonly faults: readonly string[];
}

export interface Setting {
  readonly script: string;
  readonly say: (line: string) => void;
  /** After this no further round begins. */
  readonly deadlineMs: number;
  /** Ends everything after the command that runs. */
  readonly signal?: AbortSignal;
}

const commandTimeoutMs = 300_000;
/** Between two timed runs: daemons finish what the last one left them. */
const settleMs = 500;

/** A fleet to run on, with what the contestants need; everything is removed afterwards. */
export async function onFleet<T>(
  hosts: number,
  setting: Setting,
  work: (ring: Ring) => Promise<T>,
  options: Pick<LabOptions, 'name' | 'check'> = {},
): Promise<T> {
  const lab = await startLab({ name: `bench-${process.pid.toString(36)}`, hosts, ...options });
  try {
    const folder = join(lab.dir, 'bench');
    await mkdir(folder);
    await lab.publish('shop/health', '1');
    return await work(new Ring(lab, folder, setting));
  } finally {
    await lab.close();
  }
}

/** One lab on which contestants do jobs in turn. */
export class Ring {
  readonly lab: Lab;
  readonly folder: string;
  readonly #setting: Setting;
  #version = 0;

  constructor(lab: Lab, folder: string, setting: Setting) {
    this.lab = lab;
    this.folder = folder;
    this.#setting = setting;
  }

  /** From nothing to the newest version. */
  async first(contestant: Contestant): Promise<Figure> {
    await wipe(this.lab);
    await this.#release();
    return this.#run('first', contestant, { stays: [], goes: [] });
  }

  /** The same again: nothing may be touched. */
  idle(contestant: Contestant): Promise<Figure> {
    return this.#run('idle', contestant, { stays: ['app', 'health'], goes: [] });
  }

  /** A new version of one of the two services. */
  async update(contestant: Contestant, options: UpdateOptions = {}): Promise<Figure> {
    await this.#release();
    return this.#run('update', contestant, { stays: ['health'], goes: ['app'] }, options);
  }

  async #release(): Promise<void> {
    this.#version += 1;
    await this.lab.publish('shop/app', String(this.#version));
  }

  async #run(
    job: Job,
    contestant: Contestant,
    expected: Parameters<typeof unexpectedChanges>[2],
    { maxUnavailable = '100%', flags = [] }: UpdateOptions = {},
  ): Promise<Figure> {
    const { lab, folder } = this;
    const wanted: Wanted = { healthVersion: '1', appVersion: String(this.#version), maxUnavailable };
    const { signal } = this.#setting;
    signal?.throwIfAborted();
    const before: Running = job === 'first' ? new Map() : await runningOn(lab);
    const command = await commandOf(contestant, lab, wanted, { folder, script: this.#setting.script, flags });
    await sleep(settleMs);
    // Within the lab's own, so that whatever removes the lab removes this too.
    const groupName = `${cgroupName(lab.settings.name)}/controller`;
    const measured = await measure(command, { groupName, timeoutMs: commandTimeoutMs });
    signal?.throwIfAborted();
    const faults = [
      ...(measured.exitCode === 0 ? [] : [`exit ${measured.exitCode}: ${measured.output.slice(-2000)}`]),
      ...(await faultsOf(lab, wanted)),
      ...unexpectedChanges(before, await runningOn(lab), expected),
    ];
    const { say } = this.#setting;
    say(`${lab.hosts.length} hosts, ${jobWords[job]}: ${contestant} ${(measured.wallMs / 1000).toFixed(2)} s`);
    for (const fault of faults) say(`  VOID: ${fault}`);
    return { ...measured, job, contestant, hosts: lab.hosts.length, faults };
  }
}

interface UpdateOptions {
  readonly maxUnavailable?: string;
  /** rollout's only. */
  readonly flags?: readonly string[];
}

export const jobWords: Readonly<Record<Job, string>> = {
  first: 'first deploy',
  idle: 'nothing to do',
  update: 'one service changed',
};

/** Every contestant from nothing through the jobs, in turns that begin with another one each round; each finds what it has made itself. */
export async function raceOn(
  hosts: number,
  jobs: readonly Job[],
  rounds: number,
  setting: Setting,
): Promise<readonly Figure[]> {
  return await onFleet(hosts, setting, async (ring) => {
    const figures: Figure[] = [];
    for (let round = 1; goesOn(round, rounds, setting); round += 1) {
      setting.say(`${hosts} hosts, round ${round} of ${rounds}`);
      for (const contestant of inTurn(contestants, round)) {
        const first = await ring.first(contestant);
        if (jobs.includes('first')) figures.push(first);
        if (jobs.includes('idle')) figures.push(await ring.idle(contestant));
        if (jobs.includes('update')) figures.push(await ring.update(contestant));
      }
    }
    return figures;
  });
}

/**
 * Over slow links. Nothing to do: all find what one of them has made. An update: the floor and rollout, each from what it
 * has made itself. What is made beforehand is made over quick links.
 */
export async function raceOverSlowLinks(
  hosts: number,
  roundTripMs: number,
  jobs: readonly Job[],
  rounds: number,
  setting: Setting,
): Promise<readonly Figure[]> {
  return await onFleet(hosts, setting, async (ring) => {
    const slowly = async (run: () => Promise<Figure>): Promise<Figure> => {
      await ring.lab.setLatency(roundTripMs);
      return await run().finally(() => ring.lab.setLatency(0));
    };
    const figures: Figure[] = [];
    for (let round = 1; goesOn(round, rounds, setting); round += 1) {
      setting.say(`${hosts} hosts at ${roundTripMs} ms, round ${round} of ${rounds}`);
      if (jobs.includes('idle')) {
        if (round === 1 || jobs.includes('update')) await ring.first('rollout');
        for (const contestant of inTurn(contestants, round)) figures.push(await slowly(() => ring.idle(contestant)));
      }
      if (!jobs.includes('update')) continue;
      for (const contestant of inTurn(['floor', 'rollout'] as const, round)) {
        await ring.first(contestant);
        figures.push(await slowly(() => ring.update(contestant)));
      }
    }
    return figures;
  });
}

function goesOn(round: number, rounds: number, { deadlineMs }: Setting): boolean {
  return round <= rounds && (round === 1 || Date.now() < deadlineMs);
}

/** The same in another order each round: whoever goes first finds the quietest daemons. */
function inTurn<T>(all: readonly T[], round: number): readonly T[] {
  const first = (round - 1) % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}
