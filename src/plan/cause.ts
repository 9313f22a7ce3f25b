import type { Difference, ServiceChange } from './plan.ts';

/** The differences in one line: the first few of them, and how many more there are. */
export function causeOf(differences: readonly Difference[]): string {
  const shown = differences.slice(0, differences.length > 3 ? 2 : 3).map(describeDifference);
  const more = differences.length - shown.length;
  return more === 0 ? shown.join(', ') : `${shown.join(', ')} and ${more} more`;
}

/** `environment.LOG_LEVEL info → debug`; a secret's values are never said. */
export function describeDifference({ path, from, to, secret }: Difference): string {
  if (secret === true || (from === undefined && to === undefined)) return `${path} changed`;
  if (from === undefined) return `${path} ${to ?? ''} added`;
  if (to === undefined) return `${path} ${from} removed`;
  if (path === 'image') return `image ${imageChange(from, to)}`;
  return `${path} ${from} → ${to}`;
}

/** `1.4 → 1.5` where only the version differs; the whole names where more does. */
function imageChange(from: string, to: string): string {
  const common = /^.*[:@/]/;
  const [name] = common.exec(from) ?? [''];
  const isVersionOnly = name !== '' && !name.endsWith('/') && common.exec(to)?.[0] === name;
  return isVersionOnly ? `${from.slice(name.length)} → ${to.slice(name.length)}` : `${from} → ${to}`;
}

/** One change in a few words, for a node's cause. */
export const summarize = ({ service, kind, cause }: ServiceChange): string =>
  `${service}: ${kind === 'create' ? 'new' : cause}`;
