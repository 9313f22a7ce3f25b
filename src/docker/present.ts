import { FailedReading, UnreadableAnswer } from './unreadable.ts';

/** A document of `docker … inspect`. */
export type Document = Readonly<Record<string, unknown>>;

/** What `docker … inspect` printed, and how it ended. */
export interface Inspection {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The documents of what is there. Each of `asked` must be documented, or be what docker says is not there: anything else
 * is no answer, and says nothing of what the host has.
 * @throws FailedReading in docker's words, UnreadableAnswer
 */
export function presentOf(
  inspection: Inspection,
  asked: readonly string[],
  isOf: (document: Document, name: string) => boolean,
): readonly Document[] {
  const { documents, missing } = readInspection(inspection);
  const unknown = asked.filter(
    (name) => !missing.some((each) => each.includes(name)) && !documents.some((document) => isOf(document, name)),
  );
  if (unknown.length > 0) throw failure(inspection, `what docker says of ${unknown.join(', ')}`);
  return documents;
}

/** As {@link presentOf} where a document does not tell what it was asked for by, as with images: they are counted. */
export function countedOf(inspection: Inspection, askedCount: number): readonly Document[] {
  const { documents, missing } = readInspection(inspection);
  if (documents.length + missing.length < askedCount)
    throw failure(inspection, `what docker says of ${askedCount} objects`);
  return documents;
}

/** @returns the names that docker says are not there, each among the words that surround it */
function readInspection(inspection: Inspection): {
  readonly documents: readonly Document[];
  readonly missing: readonly (readonly string[])[];
} {
  const { exitCode, stdout, stderr } = inspection;
  // A command that has succeeded may remark whatever it likes.
  const lines = exitCode === 0 ? [] : stderr.split(/\r?\n/).filter((line) => line.trim() !== '' && !remark.test(line));
  const missing = lines.map(missingNames);
  if (exitCode > 1 || missing.includes(undefined) || (exitCode === 1 && missing.length === 0))
    throw new FailedReading(
      exitCode,
      stderr.trim() || `docker inspect ended with exit code ${exitCode} and said nothing`,
    );
  return { documents: parseDocuments(stdout), missing: missing.filter((names) => names !== undefined) };
}

function failure({ exitCode, stderr }: Inspection, what: string): Error {
  return stderr.trim() === '' || exitCode === 0 ? new UnreadableAnswer(what, '') : new FailedReading(exitCode, stderr);
}

/** The client's own remarks: they say nothing of what was asked. */
const remark = /^(?:WARNING|time=|\[DEPRECATION|DEPRECATED|Emulate Docker CLI)/;

/** `No such container: app`, `network app not found`, `get app: no such volume`: as versions word it. */
const absences: readonly RegExp[] = [
  /\bno such (?:container|image|network|volume|object)[: ]+"?([^\s"]+)"?\s*$/i,
  /\bnetwork "?([^\s"]+?)"? not found\s*$/i,
  /\bget ([^\s:]+): no such volume\s*$/i,
];

function missingNames(line: string): readonly string[] | undefined {
  const names = absences.flatMap((pattern) => pattern.exec(line)?.[1] ?? []);
  return names.length === 0 ? undefined : names;
}

/** A JSON array of objects, and nothing beside it. @throws UnreadableAnswer */
export function parseDocuments(text: string): readonly Document[] {
  const value = parseJson(text, 'what docker inspect printed');
  if (!Array.isArray(value)) throw new UnreadableAnswer('what docker inspect printed', value);
  return value.map((item: unknown) => {
    if (!isDocument(item)) throw new UnreadableAnswer('a document of docker inspect', item);
    return item;
  });
}

/** @throws UnreadableAnswer */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnreadableAnswer(what, text.trim());
  }
}

export function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
