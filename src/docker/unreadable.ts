import { inspect } from 'node:util';

/** A host's answer that says neither that something is there nor that it is not. */
export class UnreadableAnswer extends Error {
  /** `what`: of which answer; `found`: what stands there instead. */
  constructor(what: string, found: unknown) {
    super(`${what} cannot be read; found ${shorten(found)}`);
    this.name = 'UnreadableAnswer';
  }
}

/** Docker said, of a reading, that it failed. */
export class FailedReading extends Error {
  readonly exitCode: number;
  readonly stderr: string;

  constructor(exitCode: number, stderr: string) {
    super(stderr);
    this.name = 'FailedReading';
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

const mostLength = 80;

function shorten(found: unknown): string {
  if (found === undefined || found === '') return 'nothing';
  const text =
    typeof found === 'string'
      ? JSON.stringify(found.slice(0, mostLength))
      : inspect(found, { depth: 1, breakLength: Infinity, maxStringLength: mostLength });
  return text.length > mostLength ? `${text.slice(0, mostLength - 1)}…` : text;
}
