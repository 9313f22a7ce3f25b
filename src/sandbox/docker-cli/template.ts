import type { Json } from '../docker/spec.ts';
import { UsageError } from './flags.ts';

/**
 * The part of Go's templates that `--format` is used with: text, `{{.Path.To}}`, `{{json .Path}}`,
 * `{{index .Path "key"}}` and `{{.Label "key"}}`.
 */
export function renderTemplate(template: string, value: Json): string {
  return template
    .replace(/\\t/g, '\t')
    .replace(/\\n/g, '\n')
    .replace(/\{\{(.*?)\}\}/g, (_, expression: string) => evaluate(expression.trim(), value));
}

function evaluate(expression: string, value: Json): string {
  const [, name, rest = ''] = /^(\.?[\w.]*)(?:\s+(.*))?$/.exec(expression) ?? [];
  if (name === 'json') return goJson(lookUp(rest, value));
  if (name === 'index') {
    const [path = '', key = ''] = rest.split(/\s+/);
    return print(member(lookUp(path, value), key.replace(/^"|"$/g, '')) ?? '');
  }
  if (name === '.Label') return label(value, rest.replace(/^"|"$/g, ''));
  if (name?.startsWith('.') === true && rest === '') return print(lookUp(name, value));
  throw new UsageError(
    `template parsing error: template: :1: function ${JSON.stringify(name ?? expression)} not defined`,
    64,
  );
}

function lookUp(path: string, value: Json): Json {
  let at = value;
  for (const key of path.split('.').filter((part) => part !== '')) {
    const next = member(at, key);
    if (next === undefined) {
      throw new UsageError(
        `template parsing error: template: :1:2: executing "" at <${path}>: map has no entry for key ${JSON.stringify(key)}`,
        1,
      );
    }
    at = next;
  }
  return at;
}

function member(of: Json, key: string): Json | undefined {
  return typeof of === 'object' && of !== null ? (of as Record<string, Json>)[key] : undefined;
}

/** `docker ps` shows labels as one text: `a=b,c=d`. */
function label(row: Json, key: string): string {
  const labels = member(row, 'Labels');
  const pairs = typeof labels === 'string' ? labels.split(',') : [];
  return pairs.find((pair) => pair.startsWith(`${key}=`))?.slice(key.length + 1) ?? '';
}

/** Go's encoder escapes what HTML could trip over. */
const goJson = (value: Json): string =>
  JSON.stringify(value).replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);

function print(value: Json): string {
  if (value === null) return '<no value>';
  if (Array.isArray(value)) return `[${(value as Json[]).map(print).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, of]) => `${key}:${print(of)}`).join(' ')}]`;
}
