import { parseDuration } from '../../model/duration.ts';
import { UsageError } from './flags.ts';

const unitBytes: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** `64m`, `1.5g`, `1024`: bytes. */
export function parseBytes(text: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([bkmgt])?b?$/i.exec(text);
  if (match === null) throw invalid(text, flag, `invalid size: '${text}'`);
  return Math.floor(Number(match[1]) * (unitBytes[(match[2] ?? '').toLowerCase()] ?? 1));
}

/** `1m30s`: nanoseconds. */
export function parseNanoseconds(text: string, flag: string): number {
  const durationMs = text === '0' ? 0 : parseDuration(text);
  if (durationMs === undefined) throw invalid(text, flag, `time: invalid duration "${text}"`);
  return Math.round(durationMs * 1e6);
}

export function parseInteger(text: string, flag: string): number {
  if (!/^-?\d+$/.test(text)) throw invalid(text, flag, `strconv.ParseInt: parsing "${text}": invalid syntax`);
  return Number(text);
}

function invalid(text: string, flag: string, reason: string): UsageError {
  return new UsageError(`invalid argument "${text}" for "${flag}" flag: ${reason}\nSee 'docker create --help'.`);
}
