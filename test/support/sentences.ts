/** A sentence of a text, as a reader meets it. */
export interface Sentence {
  readonly text: string;
  /** Of the paragraph, list item or table cell that it stands in; 1-based. */
  readonly line: number;
  readonly words: number;
}

/** The sentences of a Markdown text: no code blocks, no headings; an item of a list and a cell of a table is a text of its own. */
export function sentencesOf(markdown: string): readonly Sentence[] {
  return blocksOf(markdown).flatMap(({ text, line }) =>
    splitSentences(text).map((sentence) => ({ text: sentence, line, words: countWords(sentence) })),
  );
}

interface Block {
  readonly text: string;
  readonly line: number;
}

function blocksOf(markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { parts: string[]; line: number } | undefined;
  let isCode = false;
  const close = (): void => {
    if (open !== undefined) blocks.push({ text: open.parts.join(' '), line: open.line });
    open = undefined;
  };
  for (const [index, written] of markdown.split('\n').entries()) {
    const line = index + 1;
    if (/^\s*```/.test(written)) isCode = !isCode;
    if (isCode || /^\s*(?:```|#|$|<!--)/.test(written)) close();
    else if (/^\s*\|/.test(written)) {
      close();
      for (const cell of written.split(/(?<!\\)\|/)) blocks.push({ text: cell.trim(), line });
    } else {
      const item = /^\s*(?:[-*]|\d+\.)\s+(.*)$/.exec(written);
      if (item !== null) close();
      open ??= { parts: [], line };
      open.parts.push(item?.[1] ?? written.trim());
    }
  }
  close();
  return blocks;
}

/** At a full stop, a question or an exclamation mark, and a closing quote or bracket behind it, before a space. */
function splitSentences(text: string): readonly string[] {
  const plain = text
    // Code is one word, whatever is in it: a command, a message, a piece of YAML.
    .replace(/`[^`]*`/g, 'CODE')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/\b(?:e\.g|i\.e)\./g, 'eg');
  return plain
    .split(/(?<=[.!?]["')*_]*)\s+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');
}

function countWords(sentence: string): number {
  return sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}
