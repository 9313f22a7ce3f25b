import { parseDocument, type Document } from 'yaml';
import type { Problems } from './problems.ts';
import type { Source } from './source.ts';
import { indentContinuations } from './yaml-continuations.ts';

/** A parsed text: offsets in the document are those of the text as written once `original` has been asked. */
export interface ParsedText {
  readonly source: Source;
  readonly document: Document.Parsed;
  readonly original: (offset: number) => number;
}

/** Parses a text, with the indents that Ansible forgives. Its errors are in the document. */
export function parseText(source: Source): ParsedText {
  const parse = (text: string): Document.Parsed =>
    parseDocument(text, {
      // Every scalar stays text here: what it means is decided by plainScalar, as Ansible or Compose would.
      schema: 'failsafe',
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
    });
  const document = parse(source.text);
  if (document.errors.length === 0) return { source, document, original: (offset) => offset };
  const indented = indentContinuations(source.text, (text) => parse(text).errors[0]);
  if (indented === undefined) return { source, document, original: (offset) => offset };
  return { source, document: parse(indented.text), original: indented.original };
}

export const unquotedTemplate =
  'a value that begins with {{ must stand in quotes, or YAML takes it for a mapping; write "{{ … }}"';

/** What YAML cannot read, in words that say what to write. */
export function reportSyntax(source: Source, document: Document.Parsed, problems: Problems): void {
  const lines = new Set<number>();
  for (const error of document.errors) {
    const { line } = source.position(error.pos[0]);
    if (lines.has(line)) continue;
    lines.add(line);
    const template = /(?:^|[:\-?[,])\s*(\{\{)/.exec(source.line(line));
    if (template !== null && !/["'].*\{\{/.test(source.line(line))) {
      const offset = source.lineOffset(line) + template.index + template[0].length - 2;
      problems.add(source.problem(offset, '', unquotedTemplate));
      // What YAML says after this is a consequence.
      return;
    }
    problems.add(source.problem(error.pos[0], '', `this is not valid YAML: ${explain(error.code, error.message)}`));
  }
}

function explain(code: string, message: string): string {
  const said = message.charAt(0).toLowerCase() + message.slice(1);
  if (/call stack/i.test(message)) return 'lists or mappings stand in each other deeper than can be read';
  const open = /end with a ([\]}])/.exec(message)?.[1];
  if (open !== undefined)
    return `a ${open === ']' ? '[' : '{'} above is not closed; its ${open} is missing before this place`;
  if (/without - indicator|must start at the same column/.test(message))
    return 'this line is indented unlike its neighbours; entries of one list or mapping begin at the same column';
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'a tab indents this line; indent with spaces';
    case 'MULTIPLE_DOCS':
      return 'a second document begins here; write one document a file, without a second ---';
    case 'BLOCK_AS_IMPLICIT_KEY':
      return `${said}; put a value that has a colon in it in quotes`;
    default:
      return said;
  }
}
