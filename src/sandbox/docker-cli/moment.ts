import { parseDuration } from '../../model/duration.ts';

/** Seconds since the epoch, an RFC 3339 time, or a duration ago. */
export function moment(text: string, nowMs: number): number {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000;
  const durationMs = parseDuration(text);
  return durationMs === undefined ? Date.parse(text) : nowMs - durationMs;
}
