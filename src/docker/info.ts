import { Inspected } from '../service/inspected.ts';
import type { Part } from '../shell/parts.ts';
import { isDocument, parseJson, type Document } from './present.ts';
import { FailedReading, UnreadableAnswer } from './unreadable.ts';

/**
 * What `docker info --format '{{json .}}'` printed.
 * @throws FailedReading where the daemon is away, or where it is no docker; UnreadableAnswer where it is nothing of both
 */
export function parseInfo(part: Part): Document {
  const info = parseJson(succeeded(part).stdout, 'what docker info printed');
  if (!isDocument(info)) throw new UnreadableAnswer('what docker info printed', info);
  // A daemon that is away: some versions tell of it so, and exit with 0.
  const errors = new Inspected(info).texts('ServerErrors');
  if (errors.length > 0) throw new FailedReading(1, errors.join('\n'));
  // Podman's `docker` runs podman, whose documents, restarts and networks are others.
  const podman = new Inspected(info).text('version.Version');
  if (info['ServerVersion'] === undefined && new Inspected(info).text('host.buildahVersion') !== '')
    throw new FailedReading(0, `the command docker runs podman${podman === '' ? '' : ` ${podman}`} here, not Docker`);
  return info;
}

/** @throws FailedReading in docker's words */
export function succeeded(part: Part): Part {
  if (part.exitCode === 0) return part;
  const words = part.stderr.trim() || part.stdout.trim();
  throw new FailedReading(part.exitCode, words || `docker ended with exit code ${part.exitCode} and said nothing`);
}
