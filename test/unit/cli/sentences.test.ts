import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { sentencesOf } from '../../support/sentences.ts';

/** What a reader can hold. */
const mostWords = 30;
const root = join(import.meta.dirname, '../../..');

const tooLong = (place: string, text: string): readonly string[] =>
  sentencesOf(text).flatMap(({ text: sentence, line, words }) =>
    words > mostWords ? [`${place}:${line} has ${words} words: ${sentence}`] : [],
  );

const manual = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
].filter((path) => path.endsWith('.md'));

test(`no sentence of the manual has more than ${mostWords} words`, () => {
  expect(manual.flatMap((path) => tooLong(path, readFileSync(join(root, path), 'utf8')))).toEqual([]);
});

test(`no sentence that the program says has more than ${mostWords} words`, () => {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  expect(files.flatMap((path) => saidIn(path).flatMap((text) => tooLong(path, text)))).toEqual([]);
});

/** The texts in a source file: its literals, with one word in place of each value. What has several lines is a file or a script. */
function saidIn(path: string): readonly string[] {
  const source = ts.createSourceFile(path, readFileSync(join(root, 'src', path), 'utf8'), ts.ScriptTarget.ES2023);
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) texts.push(node.text);
    if (ts.isTemplateExpression(node))
      texts.push([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('VALUE'));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return texts.filter((text) => !text.trim().includes('\n'));
}

test('a sentence is counted from its first word to its full stop, wherever the lines end', () => {
  const words = (amount: number): string => Array.from({ length: amount }, (_, index) => `w${index}`).join(' ');
  const text = `# ${words(40)}\n\n${words(20)}\n${words(11)}. Short one. \`${words(40)}\` is one word.\n\n- ${words(31)}\n- next\n\n\`\`\`\n${words(40)}\n\`\`\`\n\n| ${words(20)} | ${words(20)} |\n`;
  expect(sentencesOf(text).map(({ line, words: count }) => [line, count])).toEqual([
    [3, 31],
    [3, 2],
    [3, 4],
    [6, 31],
    [7, 1],
    [13, 20],
    [13, 20],
  ]);
});
