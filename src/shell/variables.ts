/** Finds a variable; `undefined` where it is not set. */
export type Lookup = (name: string) => string | undefined;

/**
 * Puts variables into a text as Compose does: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`,
 * `${NAME:?message}`, `${NAME?message}`, `${NAME:+other}`, `${NAME+other}`, and `$$` for a dollar. Defaults may hold
 * variables and braces themselves.
 */
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

/** What stands between `${` and `}`. */
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
  if (operator.endsWith('+')) return isThere ? other() : (value ?? '');
  if (isThere) return value;
  if (operator.endsWith('-')) return other();
  const why = rest === '' ? '' : `: ${other()}`;
  report(`the variable ${name} is not set${why}; give it with -e ${name}=… or in the environment`);
  return '';
}

function unset(name: string, report: (message: string) => void): string {
  report(
    `the variable ${name} is not set; give it with -e ${name}=… or in the environment, or write \${${name}:-default}`,
  );
  return '';
}

/** The brace that closes the first one. Where braces do not match, Compose takes the last one of the line. */
function closingBrace(text: string): number | undefined {
  let depth = 0;
  for (let at = 1; at < text.length; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  const last = (text.split('\n', 1)[0] ?? '').lastIndexOf('}');
  return last === -1 ? undefined : last;
}
