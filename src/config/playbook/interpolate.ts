import type { Value } from '../../model/host.ts';
import { Secret } from '../../model/secret.ts';
import { placeOf, placeOfKey, rememberOrigin } from '../text/origins.ts';
import { protectFromTemplates, setOwn } from '../text/yaml.ts';

/** Finds a variable of Compose's interpolation. */
type Lookup = (name: string) => string | undefined;

/**
 * Puts variables into the texts of a Compose file: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`,
 * `${NAME:?message}`, `${NAME?message}`, `${NAME:+other}`, `${NAME+other}`, and `$$` for a dollar. Braces of other
 * template languages in it stay as they are.
 */
export function interpolate(
  value: Value,
  lookup: Lookup,
  report: (path: readonly (string | number)[], message: string) => void,
): Value {
  const walk = (item: Value, path: readonly (string | number)[]): Value => {
    if (typeof item === 'string')
      return protectFromTemplates(interpolateText(item, lookup, (message) => report(path, message)));
    if (typeof item !== 'object' || item === null || item instanceof Secret) return item;
    if (Array.isArray(item)) {
      const list = (item as readonly Value[]).map((inner, index) => walk(inner, [...path, index]));
      rememberOrigin(list, (key) => placeOf(item, key));
      return list;
    }
    const mapping: Record<string, Value> = {};
    for (const [key, inner] of Object.entries(item as Record<string, Value>))
      setOwn(mapping, key, walk(inner, [...path, key]));
    rememberOrigin(mapping, (key, wantsKey) => (wantsKey ? placeOfKey : placeOf)(item, key));
    return mapping;
  };
  return walk(value, []);
}

export function interpolateText(text: string, lookup: Lookup, report: (message: string) => void): string {
  let output = '';
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar === -1) return output + text.slice(at);
    output += text.slice(at, dollar);
    const rest = text.slice(dollar);
    const name = /^\$([A-Za-z_]\w*)/.exec(rest);
    if (rest.startsWith('$$')) {
      output += '$';
      at = dollar + 2;
    } else if (rest.startsWith('${')) {
      const end = closingBrace(rest);
      output += end === undefined ? '' : substitute(rest.slice(2, end), lookup, report);
      if (end === undefined) report(`${rest} has no closing brace; write $$ for a dollar sign`);
      at = end === undefined ? text.length : dollar + end + 1;
    } else if (name !== null) {
      output += lookup(name[1] ?? '') ?? unset(name[1] ?? '', report);
      at = dollar + name[0].length;
    } else {
      output += '$';
      at = dollar + 1;
    }
  }
  return output;
}

/** What stands between `${` and `}`; defaults may hold variables themselves. */
function substitute(inside: string, lookup: Lookup, report: (message: string) => void): string {
  const [, name, operator, rest = ''] = /^([A-Za-z_]\w*)(?:(:?[-?+])([^]*))?$/.exec(inside) ?? [];
  if (name === undefined) {
    report(`\${${inside}} names no variable; write $$ for a dollar sign`);
    return '';
  }
  const value = lookup(name);
  if (operator === undefined) return value ?? unset(name, report);
  const isThere = value !== undefined && !(operator.startsWith(':') && value === '');
  const other = (): string => interpolateText(rest, lookup, report);
  if (operator.endsWith('+')) return isThere ? other() : '';
  if (isThere) return value;
  if (operator.endsWith('-')) return other();
  report(
    `the variable ${name} is not set${rest === '' ? '' : `: ${rest}`}; give it with -e ${name}=… or in the environment`,
  );
  return '';
}

function unset(name: string, report: (message: string) => void): string {
  report(
    `the variable ${name} is not set; give it with -e ${name}=… or in the environment, or write \${${name}:-default}`,
  );
  return '';
}

function closingBrace(text: string): number | undefined {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text.startsWith('${', at)) depth++;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  return undefined;
}
