import { dirname, resolve } from 'node:path';
import type { Value } from '../../model/host.ts';
import { isMapping, partAt, pathText, problemIn, type Part } from '../document.ts';
import { didYouMean } from '../../model/closest.ts';
import { merge, type ReportMerge } from './merge.ts';
import { rebaseService } from './paths.ts';
import { readFile, type Project } from './file.ts';
import { takeMarks, withoutMarked, type Mark } from './tags.ts';
import { entriesIn, mappingOf } from './tree.ts';

/** A file whose services may extend each other. */
interface Origin {
  readonly file: string;
  readonly project: Project;
}

/** A file in which every service has the keys of the one that it extends, its own laid over them. */
export function applyExtends(document: Part, marks: readonly Mark[], origin: Origin): Part {
  const services = partAt(document, 'services');
  if (!isMapping(services.value)) return document;
  const extended = entriesIn(services.value);
  for (const [name, entry] of extended)
    extended.set(name, { ...entry, value: extendedService(name, { services, marks, origin, path: [] }) });
  const top = entriesIn(document.value);
  top.set('services', { ...top.get('services'), value: mappingOf(extended) });
  return { ...document, value: mappingOf(top) };
}

interface Chain {
  readonly services: Part;
  readonly marks: readonly Mark[];
  readonly origin: Origin;
  /** The services on the way to this one. */
  readonly path: readonly string[];
}

function extendedService(name: string, { services, marks, origin, path }: Chain): Value {
  const { problems } = origin.project.context;
  const own = partAt(services, name);
  const written = partAt(own, 'extends');
  if (!isMapping(own.value) || written.value === null) return own.value;
  const step = `${origin.file}#${name}`;
  const alone = withoutExtends(own.value);
  if (path.includes(step)) {
    problems.add(problemIn(own, ['extends'], `goes round in a circle: ${[...path, step].map(nameOf).join(', ')}`));
    return alone;
  }
  const base = baseOf(written, { services, marks, origin, path: [...path, step] });
  if (base === undefined) return alone;
  const mine = marks.flatMap(([section, service, ...rest]) =>
    section === 'services' && service === name ? [rest] : [],
  );
  const report: ReportMerge = (place = own.place, at, message) =>
    problems.add(place.source.problem(place.start, pathText(at), message));
  return merge({ value: withoutMarked(base, mine) }, { value: alone }, ['services', name], report).value;
}

/** The service that is extended, with what it extends itself; undefined, with the problem noted, where there is none. */
function baseOf(written: Part, chain: Chain): Value | undefined {
  const { project } = chain.origin;
  const { problems } = project.context;
  const { service, file } = isMapping(written.value) ? written.value : { service: written.value, file: undefined };
  if (typeof service !== 'string' || (file !== undefined && typeof file !== 'string')) {
    problems.add(problemIn(written, [], 'must be a service, or a mapping with service and file'));
    return undefined;
  }
  const source = file === undefined ? chain : otherFile(file, written, chain);
  if (source === undefined) return undefined;
  const names = Object.keys((source.services.value ?? {}) as object);
  if (!names.includes(service)) {
    const where = file === undefined ? 'this file' : file;
    problems.add(
      problemIn(written, [], `must name a service of ${where}; got ${service}${didYouMean(service, names)}`),
    );
    return undefined;
  }
  return rebaseService(extendedService(service, source), source.origin.project.folder, project.folder);
}

function otherFile(file: string, written: Part, { origin: { project }, path }: Chain): Chain | undefined {
  const full = resolve(project.folder, file);
  const document = readFile(full, project);
  if (document === undefined) {
    project.context.problems.add(problemIn(written, ['file'], `cannot be read; got ${JSON.stringify(file)}`));
    return undefined;
  }
  const { value, marks } = takeMarks(document.value);
  const services = partAt({ ...document, value }, 'services');
  return { services, marks, origin: { file: full, project: { ...project, folder: dirname(full) } }, path };
}

function withoutExtends(service: Value): Value {
  const entries = entriesIn(service);
  entries.delete('extends');
  return mappingOf(entries);
}

function nameOf(step: string): string {
  return step.slice(step.lastIndexOf('#') + 1);
}
