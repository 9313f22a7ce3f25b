/** A value in which nothing is a template. */
export function escaped(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(/\{[{%#]/g, (open) => `{{ '${open}' }}`);
  if (Array.isArray(value)) return value.map(escaped);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, escaped(item)]));
}
