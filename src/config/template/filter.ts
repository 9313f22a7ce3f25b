/** A filter. It must not throw: what it cannot do it reports. */
export type Filter = (report: (message: string) => void, value: unknown, ...args: unknown[]) => unknown;

/** As a template would print it. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : value == null ? '' : JSON.stringify(plain(value));
}

/** minijinja's maps and big whole numbers as plain data. */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  return value;
}
