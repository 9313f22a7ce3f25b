/** What a registry asks for with a 401. */
export interface Challenge {
  readonly scheme: 'basic' | 'bearer';
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * Parses `WWW-Authenticate` (RFC 9110), several challenges in one line too; the bearer scheme is preferred where both
 * are offered. `undefined`: neither is.
 */
export function parseChallenge(header: string): Challenge | undefined {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  for (const { scheme, name, value } of pieces(header)) {
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: {} });
    const last = challenges.at(-1);
    if (last !== undefined && name !== undefined) last.parameters[name.toLowerCase()] ??= value ?? '';
  }
  const known = challenges.filter((each): each is typeof each & Challenge => /^(?:basic|bearer)$/.test(each.scheme));
  return known.find(({ scheme }) => scheme === 'bearer') ?? known[0];
}

interface Piece {
  readonly scheme?: string;
  readonly name?: string;
  readonly value?: string;
}

const token = /[^\s,="]+/y;
const separators = /[\s,]*/y;
const equals = /\s*=\s*/y;
const quoted = /"(?:[^"\\]|\\.)*"?/y;

/** A word with `=` behind it is a parameter, any other one the name of a scheme. One pass, whatever the header is. */
function* pieces(header: string): Generator<Piece> {
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const [found] = pattern.exec(header) ?? [];
    at += found?.length ?? 0;
    return found;
  };
  while (at < header.length) {
    take(separators);
    const word = take(token);
    if (word === undefined) {
      at += 1;
      continue;
    }
    if (take(equals) === undefined) {
      yield { scheme: word };
      continue;
    }
    const text = take(quoted);
    const value = text?.slice(1).replace(/"$/, '').replace(/\\(.)/g, '$1') ?? take(token) ?? '';
    yield { name: word, value };
  }
}
