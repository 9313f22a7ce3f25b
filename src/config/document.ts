import type { Value } from '../model/host.ts';
import type { Position, Problem } from '../model/problem.ts';
import { Secret } from '../model/secret.ts';
import { readSource, fileProblem } from './files.ts';
import { joinPath } from './template/site.ts';
import { placeOf, placeOfKey } from './text/origins.ts';
import type { Problems } from './text/problems.ts';
import { Source, type Place } from './text/source.ts';
import { parseYaml, type YamlOptions } from './text/yaml.ts';

export type Path = readonly (string | number)[];

/** A value from a file, with where it stands: a whole document, or any part of one, as written or rendered. */
export interface Part {
  readonly value: Value;
  readonly place: Place;
  /** From the top of its file. */
  readonly path: Path;
}

/** Reads a YAML file; undefined, with the problems noted, when it cannot be read or parsed. */
export function readDocument(path: string, cwd: string, options: YamlOptions, problems: Problems): Part | undefined {
  const source = readSource(path, cwd);
  if (!(source instanceof Source)) {
    problems.add(fileProblem(path, cwd, `this file cannot be read: ${source.problem}`));
    return undefined;
  }
  const file = parseYaml(source, options, problems);
  if (file === undefined) return undefined;
  const before = problems.count;
  const value = file.value(file.root);
  return problems.count > before
    ? undefined
    : { value, place: { source, start: 0, end: source.text.length }, path: [] };
}

/** An entry of a part; its value is null where there is none. */
export function partAt(part: Part, ...steps: Path): Part {
  return { value: valueAt(part.value, steps) ?? null, place: placeIn(part, steps), path: [...part.path, ...steps] };
}

export function problemIn(part: Part, steps: Path, message: string, isKey = false): Problem {
  const place = placeIn(part, steps, isKey);
  return place.source.problem(place.start, pathText([...part.path, ...steps]), message);
}

/** Where an entry stands, or else the nearest thing around it. */
export function placeAt(part: Part, steps: Path): Position {
  const place = placeIn(part, steps);
  return place.source.position(place.start);
}

export function positionOf({ place }: Part): Position {
  return place.source.position(place.start);
}

/** `plays[0].services.app`. */
export function pathText(path: Path): string {
  return path.reduce<string>(joinPath, '');
}

export function valueAt(value: Value | undefined, path: Path): Value | undefined {
  let found = value;
  for (const step of path) {
    if (!isContainer(found)) return undefined;
    found = Object.hasOwn(found, step) ? found[step] : undefined;
  }
  return found;
}

/** Where an entry stands, or else the nearest thing around it. */
function placeIn(part: Part, steps: Path, wantsKey = false): Place {
  let { place, value } = part;
  for (const [index, step] of steps.entries()) {
    if (!isContainer(value)) break;
    const find = wantsKey && index === steps.length - 1 ? placeOfKey : placeOf;
    place = find(value, step) ?? place;
    value = value[step] ?? null;
  }
  return place;
}

function isContainer(value: Value | undefined): value is Readonly<Record<string | number, Value>> & Value {
  return typeof value === 'object' && value !== null && !(value instanceof Secret);
}

export function isMapping(value: Value | undefined): value is Readonly<Record<string, Value>> {
  return isContainer(value) && !Array.isArray(value);
}
