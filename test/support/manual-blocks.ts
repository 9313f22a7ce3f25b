import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { manualPages } from './manual.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A block of the manual that shows what is printed. */
export interface ShownBlock {
  readonly page: string;
  readonly text: string;
}

/** Blocks of code without a language, but for those of commands, of HAProxy's configuration and of the code itself. */
export function shownBlocks(): readonly ShownBlock[] {
  return manualPages
    .filter((page) => page !== 'CONTRIBUTING.md')
    .flatMap((page) =>
      blocksOf(page)
        .filter((text) => !/^(?:npx |npm |rollout |frontend |backend )/.test(text))
        .map((text) => ({ page, text })),
    );
}

/** The one block of a page in which `words` stand. */
export function manualBlock(page: string, words: string): string {
  const [found, ...others] = blocksOf(page).filter((text) => text.includes(words));
  if (found === undefined || others.length > 0) throw new Error(`${page} has not one block with ${words}`);
  return found;
}

function blocksOf(page: string): readonly string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```(.*)\n([^]*?)^```$/gm)].flatMap(([, language, block = '']) =>
    language === '' ? [block] : [],
  );
}
