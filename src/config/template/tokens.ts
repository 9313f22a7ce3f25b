export interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'operator';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** A part of a template: text, or what stands between braces. Offsets are in the template. */
export interface Segment {
  readonly kind: 'text' | 'expression' | 'statement';
  readonly start: number;
  readonly end: number;
  /** Of expressions and statements; without the braces. */
  readonly tokens: readonly Token[];
}

/** Tells without parsing whether there is anything to render. */
export function isTemplate(text: string): boolean {
  return text.includes('{{') || text.includes('{%') || text.includes('{#');
}

/** Cuts a template into its parts; comments and `{% raw %}` blocks are text. A part that does not end goes to the end. */
export function splitTemplate(template: string): Segment[] {
  const segments: Segment[] = [];
  let textStart = 0;
  let at = 0;
  while (at < template.length) {
    const open = template.slice(at, at + 2);
    if (open === '{#') at = endOf(template, '#}', at + 2);
    else if (open === '{%' && rawBlock(template, at) !== undefined) at = rawBlock(template, at) ?? template.length;
    else if (open === '{{' || open === '{%') {
      if (at > textStart) segments.push({ kind: 'text', start: textStart, end: at, tokens: [] });
      const { tokens, end } = tokensUntil(template, at + 2, open === '{{' ? '}}' : '%}');
      segments.push({ kind: open === '{{' ? 'expression' : 'statement', start: at, end, tokens });
      at = end;
      textStart = end;
    } else at++;
  }
  if (at > textStart) segments.push({ kind: 'text', start: textStart, end: template.length, tokens: [] });
  return segments;
}

/** The tokens of an expression that has no braces around it, as in `when`. */
export function splitExpression(expression: string): readonly Token[] {
  return tokensUntil(expression, 0, undefined).tokens;
}

const token =
  /(?<name>[\p{L}_][\p{L}\p{N}_]*)|(?<number>\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?)|(?<string>'(?:\\[^]|[^'\\])*'?|"(?:\\[^]|[^"\\])*"?)|(?<operator>==|!=|<=|>=|\/\/|\*\*|[^\s])/uy;

function tokensUntil(template: string, from: number, close: string | undefined): { tokens: Token[]; end: number } {
  const tokens: Token[] = [];
  let depth = 0;
  let at = /^[-+]/.test(template.slice(from)) && close !== undefined ? from + 1 : from;
  while (at < template.length) {
    if (close !== undefined && depth === 0) {
      if (template.startsWith(close, at)) return { tokens, end: at + 2 };
      if (/^[-+]/.test(template[at] ?? '') && template.startsWith(close, at + 1)) return { tokens, end: at + 3 };
    }
    token.lastIndex = at;
    const match = token.exec(template);
    if (match === null) {
      at++;
      continue;
    }
    const text = match[0];
    if (/^[([{]$/.test(text)) depth++;
    else if (/^[)\]}]$/.test(text)) depth = Math.max(0, depth - 1);
    tokens.push({ kind: kindOf(match), text, start: at, end: at + text.length });
    at += text.length;
  }
  return { tokens, end: template.length };
}

function kindOf({ groups }: RegExpExecArray): Token['kind'] {
  if (groups?.['name'] !== undefined) return 'name';
  if (groups?.['number'] !== undefined) return 'number';
  return groups?.['string'] === undefined ? 'operator' : 'string';
}

/** The end of a `{% raw %}` block that begins here. */
function rawBlock(template: string, at: number): number | undefined {
  if (!/^\{%[-+]?\s*raw\s*[-+]?%\}/.test(template.slice(at, at + 40))) return undefined;
  const end = /\{%[-+]?\s*endraw\s*[-+]?%\}/.exec(template.slice(at));
  return end === null ? template.length : at + end.index + end[0].length;
}

function endOf(template: string, mark: string, from: number): number {
  const end = template.indexOf(mark, from);
  return end === -1 ? template.length : end + mark.length;
}
