/** Filters of Ansible that minijinja lacks. They must not throw, so what they cannot do they report. */
export type Filter = (report: (message: string) => void, value: unknown, ...args: unknown[]) => unknown;

export const ansibleFilters: Readonly<Record<string, Filter>> = {
  b64encode: (_, value) => Buffer.from(text(value), 'utf8').toString('base64'),
  b64decode: (_, value) => Buffer.from(text(value), 'base64').toString('utf8'),
  to_json: (_, value) => JSON.stringify(plain(value)),
  from_json: (report, value) => {
    try {
      return JSON.parse(text(value)) as unknown;
    } catch (error) {
      report((error as Error).message);
      return null;
    }
  },
  quote: (_, value) =>
    /^[\w@%+=:,./-]+$/.test(text(value)) ? text(value) : `'${text(value).replaceAll("'", `'"'"'`)}'`,
  basename: (_, value) => text(value).replace(/\/+$/, '').split('/').at(-1) ?? '',
  dirname: (_, value) => text(value).replace(/\/?[^/]*\/*$/, ''),
  ternary: (_, value, yes, no, whenNone) =>
    value == null && whenNone !== undefined ? whenNone : isTrue(value) ? yes : no,
  combine: (_, ...values) => Object.assign({}, ...values.map(plain)) as unknown,
  mandatory: (_, value) => value,
  regex_replace: (report, value, pattern, replacement) => {
    const expression = regularExpression(report, pattern, 'gu');
    return expression === undefined
      ? null
      : text(value).replace(
          expression,
          text(replacement ?? '')
            .replaceAll('$', '$$$$')
            .replace(/\\(\d)/g, '$$$1'),
        );
  },
  regex_search: (report, value, pattern) => regularExpression(report, pattern, 'u')?.exec(text(value))?.[0] ?? null,
};

function text(value: unknown): string {
  return typeof value === 'string' ? value : value == null ? '' : JSON.stringify(plain(value));
}

function isTrue(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value instanceof Map ? value.size > 0 : Boolean(value);
}

function regularExpression(report: (message: string) => void, pattern: unknown, flags: string): RegExp | undefined {
  try {
    return new RegExp(text(pattern).replaceAll('(?P<', '(?<'), flags);
  } catch (error) {
    report((error as Error).message);
    return undefined;
  }
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
