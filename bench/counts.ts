import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Event } from '../src/events/event.ts';
import type { Lab } from '../test/lab/support/fleet.ts';
import { onFleet, type Ring, type Setting } from './rounds.ts';

/** What the update of one node that already keeps an earlier container costs its host. */
export interface Counts {
  readonly contestant: 'floor' | 'rollout';
  /** Docker processes of the whole command on that host; of them those of the node's own update. */
  readonly processes: number;
  readonly ofUpdate: number;
  /** Of them those that the node's time out of rotation waits for: from drained until let in again. */
  readonly whileOut: number;
  /** Of the time out, in order: the commands by their first words. */
  readonly calls: readonly string[];
  /** Commands over the connection, each a round trip, in the same three; undefined where nobody tells. */
  readonly roundTrips?: { readonly whole: number; readonly ofUpdate: number; readonly whileOut: number };
}

/** A call of docker on a host. Epoch time. */
interface Call {
  readonly atMs: number;
  readonly words: string;
}

/** From, and before. */
interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Before the real docker in the PATH; it starts no process of its own. */
const counter = `#!/bin/bash
printf '%s %s\\n' "$EPOCHREALTIME" "\${*//$'\\n'/ }" >>/run/docker-calls
exec /usr/bin/docker "$@"
`;

/** Of two hosts the second, which is no canary. */
const counted = 'h2';

/** Docker processes and round trips of a node's update, by a counter in docker's place. */
export async function countUpdates(contestants: readonly Counts['contestant'][], setting: Setting): Promise<Counts[]> {
  return await onFleet(2, setting, async (ring) => {
    const counts: Counts[] = [];
    for (const contestant of contestants) {
      const deployed = await ring.first(contestant);
      const earlier = await ring.update(contestant);
      await install(ring.lab);
      const figure = await ring.update(contestant, { flags: ['-vvv'] });
      const calls = await callsOn(ring.lab);
      setting.say(`docker on ${counted}: ${calls.map(({ words }) => shortened(words)).join(', ')}`);
      const faults = [...deployed.faults, ...earlier.faults, ...figure.faults];
      if (faults.length > 0) throw new Error(`${contestant}: nothing is counted: ${faults.join('; ')}`);
      counts.push(
        contestant === 'floor'
          ? { contestant, ...countsOf(calls, floorSpans(calls)) }
          : { contestant, ...(await countsOfRollout(calls, ring)) },
      );
      await ring.lab.exec(counted, ['rm', '-f', '/usr/local/bin/docker', '/run/docker-calls']);
    }
    return counts;
  });
}

async function install(lab: Lab): Promise<void> {
  const script = `mkdir -p /usr/local/bin && rm -f /usr/local/bin/docker && cat >/usr/local/bin/docker <<'END'\n${counter}END\nchmod 755 /usr/local/bin/docker`;
  const { exitCode, stderr } = await lab.exec(counted, ['sh', '-c', script]);
  if (exitCode !== 0) throw new Error(`${counted}: docker cannot be counted: ${stderr}`);
}

async function callsOn(lab: Lab): Promise<readonly Call[]> {
  const { stdout } = await lab.exec(counted, ['cat', '/run/docker-calls']);
  return parseCalls(stdout);
}

/** The counter's file. */
export function parseCalls(text: string): readonly Call[] {
  return (
    text
      .trim()
      .split('\n')
      // The bench itself asks which containers run, before and after.
      .filter((line) => line !== '' && !line.endsWith(' ps --no-trunc --format {{.Names}} {{.ID}}'))
      .map((line) => {
        const [at = '', ...words] = line.split(' ');
        return { atMs: Number(at.replace(',', '.')) * 1000, words: words.join(' ') };
      })
  );
}

interface Spans {
  readonly update: Span;
  readonly out: Span;
}

/** The floor keeps no journal: its update begins with the new container, and its node is out from the old one's stop. */
export function floorSpans(calls: readonly Call[]): Spans {
  const at = (pattern: RegExp): number => calls.find(({ words }) => pattern.test(words))?.atMs ?? Infinity;
  return {
    // Several are begun at the same moment, in any order.
    update: { fromMs: Math.min(at(/^create /), at(/^update .*health$/), at(/^rm /)), untilMs: Infinity },
    out: { fromMs: at(/^stop .*app$/), untilMs: at(/^start health$/) },
  };
}

function countsOf(calls: readonly Call[], { update, out }: Spans) {
  const whileOut = within(calls, out);
  return {
    processes: calls.length,
    ofUpdate: within(calls, update).length,
    whileOut: whileOut.length,
    calls: whileOut.map(({ words }) => shortened(words)),
  };
}

/** `stop --time 5 app` → `stop`, `container inspect app` → `container inspect`. */
const shortened = (words: string): string => /^((container|image|network|volume) )?[a-z]+/.exec(words)?.[0] ?? '';

async function countsOfRollout(calls: readonly Call[], ring: Ring) {
  const events = await lastJournal(join(ring.folder, 'state', 'runs'));
  const spans = journalSpans(events, counted);
  const commands = events.flatMap((event) =>
    event.type === 'command_run' && event.host === counted ? [{ atMs: event.at - event.durationMs }] : [],
  );
  const roundTrips = {
    whole: commands.length,
    ofUpdate: within(commands, spans.update).length,
    whileOut: within(commands, spans.out).length,
  };
  return { ...countsOf(calls, spans), roundTrips };
}

/** From the journal of a run: a node's update, and of that the time from drained until it is let in. */
export function journalSpans(events: readonly Event[], host: string): Spans {
  const of = events.filter((event) => 'host' in event && event.host === host);
  const done = of.find((event) => event.type === 'node_done');
  const drained = of.find((event) => event.type === 'node_drained');
  const admit = of.find((event) => event.type === 'op_started' && event.op.kind === 'admit');
  if (done?.type !== 'node_done' || drained === undefined || admit === undefined)
    throw new Error(`${host} was not updated`);
  return {
    update: { fromMs: done.at - done.durationMs, untilMs: Infinity },
    out: { fromMs: drained.at, untilMs: admit.at },
  };
}

const within = <T extends { readonly atMs: number }>(all: readonly T[], { fromMs, untilMs }: Span): readonly T[] =>
  all.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs);

/** The events of the last run whose journal is in a folder. */
export async function lastJournal(folder: string): Promise<readonly Event[]> {
  const last = (await readdir(folder)).toSorted().at(-1) ?? '';
  const lines = (await readFile(join(folder, last), 'utf8')).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Event);
}
