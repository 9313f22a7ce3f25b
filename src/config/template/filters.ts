import { plain, text, type Filter } from './filter.ts';
import { regexFilters } from './regex-filters.ts';

/** Filters of Ansible that minijinja lacks. */
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
  ...regexFilters,
};

function isTrue(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value instanceof Map ? value.size > 0 : Boolean(value);
}
