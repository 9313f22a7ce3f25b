const sizeUnits = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 } as const;
type SizeUnit = keyof typeof sizeUnits;

/** Bytes of `512m`, `1.5gb`, `64k`, `1024`, `10b`; `undefined` when it is not a size. Units are powers of 1024, as docker's. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt])?(?:i?b)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const unit = (match[2]?.toLowerCase() ?? 'b') as SizeUnit;
  return Math.floor(Number(match[1]) * sizeUnits[unit]);
}

/** The shortest exact form that docker takes: `512m`, `1g`, `1500k`, `1023b`. */
export function formatSize(bytes: number): string {
  for (const unit of ['g', 'm', 'k'] as const) {
    if (bytes > 0 && bytes % sizeUnits[unit] === 0) return `${bytes / sizeUnits[unit]}${unit}`;
  }
  return `${bytes}b`;
}

const durationUnits = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

/** The form that docker's flags take, exact to the millisecond: `1m30s`, `500ms`, `0s`. */
export function formatSpan(durationMs: number): string {
  let restMs = Math.round(durationMs);
  let text = '';
  for (const [unit, unitMs] of durationUnits) {
    const amount = Math.floor(restMs / unitMs);
    if (amount > 0) text += `${amount}${unit}`;
    restMs -= amount * unitMs;
  }
  return text === '' ? '0s' : text;
}
