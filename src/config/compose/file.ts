import { isMapping, problemIn, readDocument, type Part, type Path } from '../document.ts';
import type { Lookup } from '../../shell/variables.ts';
import { didYouMean } from '../../model/closest.ts';
import type { VariablesContext } from './environment.ts';
import { interpolate } from './interpolate.ts';

/** What the files of one Compose project have in common. */
export interface Project {
  /** Their paths are relative to this. */
  readonly folder: string;
  readonly variable: Lookup;
  readonly context: VariablesContext;
  /** The files on the way to these, against circles. */
  readonly including: readonly string[];
}

const parts = ['services', 'networks', 'volumes', 'configs'] as const;
const ignored = ['version', 'name', 'include'];

/** A file by itself, its variables put in; undefined, with the problems noted, when it is no Compose file. */
export function readFile(file: string, { variable, context }: Project): Part | undefined {
  const document = readDocument(file, context.cwd, { scalars: 'compose', merging: true }, context.problems);
  if (document === undefined) return undefined;
  const report = (at: Path, message: string, isKey?: boolean): void =>
    context.problems.add(problemIn(document, at, message, isKey));
  const value = interpolate(document.value, variable, report);
  if (!isMapping(value)) {
    report([], 'a Compose file is a mapping with services');
    return undefined;
  }
  for (const [key, item] of Object.entries(value)) {
    const isPart = (parts as readonly string[]).includes(key);
    if (isPart && item !== null && !isMapping(item)) report([key], 'must be a mapping');
    if (isPart || key.startsWith('x-') || ignored.includes(key)) continue;
    const hint = key === 'secrets' ? '. Write them under secrets of the playbook' : didYouMean(key, parts);
    report([key], `is not taken over from a Compose file${hint}`, true);
  }
  return { ...document, value };
}
