import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Counts } from './counts.ts';
import type { Paths } from './paths.ts';
import type { Race, Results } from './results.ts';
import type { StartUp } from './startup.ts';

/** What one part of the benchmark has found. */
export type Finding =
  | { readonly kind: 'startup'; readonly startUp: StartUp }
  | { readonly kind: 'counts'; readonly counts: readonly Counts[] }
  | { readonly kind: 'path'; readonly paths: readonly Paths[] }
  | { readonly kind: 'race'; readonly race: Race };

/** A finding, and what it was taken on. */
export interface Part {
  readonly finding: Finding;
  readonly commit: string;
  /** A day, as in 2026-11-21. */
  readonly date: string;
  readonly minutes: number;
  readonly machine: readonly string[];
}

/** By name, in the order of the page. */
export type Parts = Readonly<Record<string, Part>>;

const file = join(import.meta.dirname, 'results.json');

export async function readParts(): Promise<Parts> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '{}';
    throw error;
  });
  return JSON.parse(text) as Parts;
}

export async function writeParts(parts: Parts): Promise<void> {
  await writeFile(file, `${JSON.stringify(parts)}\n`);
}

/** The commit of the checkout, and whether it has changes that nobody has committed; what benches write is none. */
export async function commitHere(): Promise<string> {
  const cwd = join(import.meta.dirname, '..');
  const git = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)('git', args, { cwd })).stdout.trim();
  const written = ['RESULTS.md', 'results.json', 'SCALE.md', 'VERDICT.md'].map((name) => `:!bench/${name}`);
  const changes = await git('status', '--porcelain', '--untracked-files=no', '--', '.', ...written);
  return `${await git('rev-parse', '--short', 'HEAD')}${changes === '' ? '' : '-dirty'}`;
}

/**
 * The parts with one more. Another of its name gives way to it; with `isAdded` the rounds of a race are added to those
 * that were run at the same commit.
 */
export function withPart(parts: Parts, name: string, part: Part, isAdded: boolean): Parts {
  const earlier = parts[name];
  if (!isAdded || earlier?.commit !== part.commit) return { ...parts, [name]: part };
  const [before, now] = [earlier.finding, part.finding];
  if (before.kind !== 'race' || now.kind !== 'race') return { ...parts, [name]: part };
  const race = { ...now.race, figures: [...before.race.figures, ...now.race.figures] };
  return { ...parts, [name]: { ...part, finding: { kind: 'race', race }, minutes: earlier.minutes + part.minutes } };
}

/** All of the parts as one. */
export function resultsOf(parts: Parts): Results {
  const results: { startUp?: StartUp; races: Race[]; paths: Paths[]; counts: { commit: string; counts: Counts }[] } = {
    races: [],
    paths: [],
    counts: [],
  };
  for (const { finding, commit } of Object.values(parts)) {
    switch (finding.kind) {
      case 'startup':
        results.startUp = finding.startUp;
        break;
      case 'counts':
        results.counts.push(...finding.counts.map((counts) => ({ commit, counts })));
        break;
      case 'path':
        results.paths.push(...finding.paths);
        break;
      case 'race':
        results.races.push(finding.race);
        break;
    }
  }
  return results;
}
