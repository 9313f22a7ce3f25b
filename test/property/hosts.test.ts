import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseContainers, parseObserved, parseSurvey } from '../../src/docker/observe.ts';
import type { Container } from '../../src/docker/observed.ts';
import { missingFrom } from '../../src/docker/survey.ts';
import { FailedReading, UnreadableAnswer } from '../../src/docker/unreadable.ts';
import { parseParts } from '../../src/shell/parts.ts';
import { mutate, randomOf } from '../support/mutate.ts';
import { recordedWanted } from '../support/recorded.ts';

/**
 * What hosts answer, mutated: recorded answers of every docker, `npm run fuzz:hosts` for 10,000 of each. Whatever comes,
 * it is read as it was, or it is that host's own error: never another exception, and never less than what is there.
 */
const runs = Number(process.env['HOST_RUNS'] ?? 300);
const cases = join(import.meta.dirname, '../cases/docker');
const dockers = readdirSync(cases);
const read = (docker: string, file: string): string => readFileSync(join(cases, docker, file), 'utf8');

/** What was read; undefined for the host's own error. */
function readOrRefuse<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof UnreadableAnswer || error instanceof FailedReading) return undefined;
    throw error;
  }
}

/** Decisions go by these: they must be what docker can say. */
function isSound({ id, name, state }: Container): boolean {
  const isAlive = ['running', 'paused', 'restarting'].includes(state.status);
  return (
    id !== '' &&
    name !== '' &&
    (isAlive === state.running || state.status === 'removing') &&
    Number.isInteger(state.exitCode)
  );
}

interface Count {
  read: number;
  refused: number;
}

test.each(dockers)(
  'docker %s: a mutated answer to observe shows every container that is there, or is refused',
  (docker) => {
    const recorded = read(docker, 'observe.txt');
    const there = [...parseObserved(recorded, recordedWanted).containers.keys()].filter((name) =>
      recordedWanted.names.includes(name),
    );
    expect(there).toEqual(['app', 'by-hand']);
    const count: Count = { read: 0, refused: 0 };
    for (let seed = 1; seed <= runs; seed += 1) {
      const observed = readOrRefuse(() => parseObserved(mutate(recorded, seed), recordedWanted));
      count[observed === undefined ? 'refused' : 'read'] += 1;
      if (observed === undefined) continue;
      for (const name of there) expect([seed, name, observed.containers.has(name)]).toEqual([seed, name, true]);
      expect([seed, [...observed.containers.values()].every(isSound)]).toEqual([seed, true]);
    }
    report(docker, 'observe', count);
  },
);

test.each(dockers)(
  'docker %s: a mutated survey shows every container that is there, or asks for it by name, or is refused',
  (docker) => {
    const recorded = read(docker, 'survey.txt');
    const count: Count = { read: 0, refused: 0 };
    const wanted = { names: ['app', 'by-hand', 'health'], images: [] };
    for (let seed = 1; seed <= runs; seed += 1) {
      const text = mutate(recorded, seed);
      const survey = readOrRefuse(() => parseSurvey(text));
      count[survey === undefined ? 'refused' : 'read'] += 1;
      if (survey === undefined) continue;
      // The one name that stands in no other place: who changes just that says of another container that it is there.
      const isForged = !text.includes(' other by-hand ');
      const asked = missingFrom(survey, wanted)?.names;
      for (const name of wanted.names.filter((each) => each !== 'by-hand' || !isForged)) {
        const isKnown = survey.observed.containers.has(name) || asked !== undefined;
        expect([seed, name, isKnown]).toEqual([seed, name, true]);
      }
      expect([seed, [...survey.observed.containers.values()].every(isSound)]).toEqual([seed, true]);
      expect([seed, Object.values(survey.facts).every((fact) => fact !== '' && !Number.isNaN(fact))]).toEqual([
        seed,
        true,
      ]);
    }
    report(docker, 'survey', count);
  },
);

test.each(dockers)(
  'docker %s: a mutated answer to inspect shows every container that is there, or is refused',
  (docker) => {
    const part = parseParts(read(docker, 'observe.txt'))?.get('containers');
    if (part === undefined) throw new Error('no containers were recorded');
    const count: Count = { read: 0, refused: 0 };
    for (let seed = 1; seed <= runs; seed += 1) {
      const random = randomOf(seed);
      const mutated = {
        exitCode: [0, 1, 1, 1, 125, 127, 137][random(7)] ?? 1,
        stdout: mutate(part.stdout, seed),
        stderr: random(2) === 0 ? part.stderr : mutate(part.stderr, seed),
      };
      const found = readOrRefuse(() => parseContainers(mutated, recordedWanted.names));
      count[found === undefined ? 'refused' : 'read'] += 1;
      if (found === undefined) continue;
      for (const name of ['app', 'by-hand']) expect([seed, name, found.has(name)]).toEqual([seed, name, true]);
    }
    report(docker, 'inspect', count);
  },
);

function report(docker: string, what: string, { read: held, refused }: Count): void {
  expect(held + refused).toBe(runs);
  if (process.env['HOST_RUNS'] !== undefined)
    process.stdout.write(
      `docker ${docker}, ${what}: ${runs} mutated answers, ${held} read whole, ${refused} refused\n`,
    );
}
