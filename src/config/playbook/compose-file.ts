import { dirname } from 'node:path';
import type { Value } from '../../model/host.ts';
import { isMapping, problemIn, readDocument, type Part, type Path } from '../document.ts';
import { didYouMean } from '../text/suggest.ts';
import type { Problems } from '../text/problems.ts';
import { interpolate } from './interpolate.ts';

/** What a play takes over from a Compose file. */
export interface ComposeFile {
  readonly document: Part;
  /** Its own paths are relative to this. */
  readonly folder: string;
  readonly services: Readonly<Record<string, Value>>;
  readonly networks: Readonly<Record<string, Value>>;
  readonly volumes: Readonly<Record<string, Value>>;
  readonly configs: Readonly<Record<string, Value>>;
}

const parts = ['services', 'networks', 'volumes', 'configs'] as const;
const ignored = ['version', 'name'];

/** Reads a Compose file, its variables put in; undefined, with the problems noted, when it is none. */
export function readComposeFile(
  path: string,
  context: { readonly cwd: string; readonly problems: Problems; variable(name: string): string | undefined },
): ComposeFile | undefined {
  const document = readDocument(path, context.cwd, { scalars: 'core' }, context.problems);
  if (document === undefined) return undefined;
  const report = (at: Path, message: string, isKey?: boolean): void =>
    context.problems.add(problemIn(document, at, message, isKey));
  const value = interpolate(document.value, (name) => context.variable(name), report);
  if (!isMapping(value)) {
    report([], 'a Compose file is a mapping with services');
    return undefined;
  }
  for (const key of Object.keys(value)) {
    if (key.startsWith('x-') || ignored.includes(key) || (parts as readonly string[]).includes(key)) continue;
    const hint = key === 'secrets' ? '. Write them under secrets of the playbook' : didYouMean(key, parts);
    report([key], `is not taken over from a Compose file${hint}`, true);
  }
  return {
    document: { ...document, value },
    folder: dirname(path),
    services: mappingOf(value, 'services', report),
    networks: mappingOf(value, 'networks', report),
    volumes: mappingOf(value, 'volumes', report),
    configs: mappingOf(value, 'configs', report),
  };
}

function mappingOf(
  value: Readonly<Record<string, Value>>,
  key: (typeof parts)[number],
  report: (at: Path, message: string) => void,
): Readonly<Record<string, Value>> {
  const part = value[key];
  if (part === undefined || part === null) return {};
  if (isMapping(part)) return part;
  report([key], 'must be a mapping');
  return {};
}
