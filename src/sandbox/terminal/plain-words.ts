import { shellRules, splitWords, UnfinishedWord } from '../../shell/words.ts';

/**
 * The words of a command line that uses nothing else of a shell's: undefined where it has variables, pipes or
 * redirections, or a quote is not closed.
 */
export function plainWords(line: string): string[] | undefined {
  try {
    return splitWords(line, { ...shellRules, check: refuseMeaning });
  } catch (error) {
    if (error instanceof UnfinishedWord) return undefined;
    throw error;
  }
}

function refuseMeaning(character: string, place: 'start' | 'word' | 'quotes'): void {
  const special = place === 'quotes' ? '$`' : place === 'word' ? '$`|&;<>()*?[]' : '$`|&;<>()*?[]#~';
  if (special.includes(character)) throw new UnfinishedWord(`a shell takes ${character} for more than itself`);
}
