import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shlexRules, splitWords } from '../../src/shell/words.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
export const manualPages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** A command line of rollout in the manual. */
export interface ManualLine {
  readonly place: string;
  /** As it is written, without its comment. */
  readonly text: string;
  /** Behind `rollout`. */
  readonly words: readonly string[];
  /** With every argument that it needs. */
  readonly isWhole: boolean;
}

/** Lines of code blocks that begin with `rollout`, which are whole, and what stands so in the text, which may be cut short. */
export function manualLines(): readonly ManualLine[] {
  return manualPages.flatMap(linesOf);
}

function linesOf(page: string): readonly ManualLine[] {
  let isCode = false;
  return readFileSync(join(root, page), 'utf8')
    .split('\n')
    .flatMap((written, index): ManualLine[] => {
      const place = `${page}:${index + 1}`;
      if (/^\s*```/.test(written)) isCode = !isCode;
      if (isCode) {
        const [, line] = /^\s*(?:\$ )?(?:npx )?rollout (.*)$/.exec(written) ?? [];
        if (line === undefined) return [];
        return [{ place, isWhole: true, words: wordsOf(line), text: line.replace(/\s+#.*$/, '').trimEnd() }];
      }
      return [...written.matchAll(/`(?:npx )?rollout ([^`]*)`/g)].flatMap(([, text = '']) =>
        text.includes('…') ? [] : [{ place, isWhole: false, words: wordsOf(text), text }],
      );
    });
}

/** Of the first program alone; `[--flag]` is a flag that may be left out. */
function wordsOf(line: string): readonly string[] {
  const words = splitWords(line, { ...shlexRules, hasComments: true });
  const end = words.findIndex((word) => /^(?:[|;>&]|&&|\|\||>>)/.test(word));
  return (end === -1 ? words : words.slice(0, end)).map((word) => word.replace(/^\[(.*)\]$/, '$1'));
}
