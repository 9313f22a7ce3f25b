// A line-by-line comparison as `diff -u` prints it.

interface Edit {
  readonly kind: ' ' | '-' | '+';
  readonly line: string;
}

const contextLines = 3;
/** Lines on either side, beyond which only what is equal at both ends is looked for. */
const mostLines = 3000;

/** Lines of a unified diff; none where the texts are equal. */
export function unifiedDiff(path: string, before: string, after: string): readonly string[] {
  if (before === after) return [];
  const edits = editsOf(linesOf(before), linesOf(after));
  const lines = [`--- before: ${path}`, `+++ after: ${path}`];
  for (const [from, to] of hunksOf(edits)) {
    const hunk = edits.slice(from, to);
    const earlier = edits.slice(0, from);
    const range = (without: Edit['kind']): string => {
      const start = earlier.filter(({ kind }) => kind !== without).length;
      const length = hunk.filter(({ kind }) => kind !== without).length;
      return `${length === 0 ? start : start + 1}${length === 1 ? '' : `,${length}`}`;
    };
    lines.push(`@@ -${range('+')} +${range('-')} @@`);
    for (const { kind, line } of hunk)
      lines.push(`${kind}${line.replace(/\n$/, '')}`, ...(line.endsWith('\n') ? [] : ['\\ No newline at end of file']));
  }
  return lines;
}

const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

function editsOf(before: readonly string[], after: readonly string[]): readonly Edit[] {
  let start = 0;
  while (start < before.length && before[start] === after[start]) start++;
  let end = 0;
  while (end < Math.min(before.length, after.length) - start && before.at(-1 - end) === after.at(-1 - end)) end++;
  const same = (lines: readonly string[]): Edit[] => lines.map((line) => ({ kind: ' ', line }));
  return [
    ...same(before.slice(0, start)),
    ...middle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...same(before.slice(before.length - end)),
  ];
}

/** The longest common subsequence by table; for what is too long for one, all out and all in. */
function middle(before: readonly string[], after: readonly string[]): readonly Edit[] {
  const out = before.map((line): Edit => ({ kind: '-', line }));
  const into = after.map((line): Edit => ({ kind: '+', line }));
  if (before.length > mostLines || after.length > mostLines) return [...out, ...into];
  const width = after.length + 1;
  const lengths = new Uint16Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        before[i] === after[j]
          ? (lengths[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(lengths[(i + 1) * width + j] ?? 0, lengths[i * width + j + 1] ?? 0);
  const edits: Edit[] = [];
  for (let i = 0, j = 0; i < before.length || j < after.length;) {
    const [gone, come] = [out[i], into[j]];
    if (gone !== undefined && come !== undefined && gone.line === come.line) {
      edits.push({ kind: ' ', line: gone.line });
      i++;
      j++;
    } else if (
      gone !== undefined &&
      (come === undefined || (lengths[(i + 1) * width + j] ?? 0) >= (lengths[i * width + j + 1] ?? 0))
    ) {
      edits.push(gone);
      i++;
    } else if (come !== undefined) {
      edits.push(come);
      j++;
    }
  }
  return edits;
}

/** From and to (not included) of the edits that are shown together. */
function hunksOf(edits: readonly Edit[]): readonly (readonly [number, number])[] {
  const hunks: [number, number][] = [];
  for (const [index, { kind }] of edits.entries()) {
    if (kind === ' ') continue;
    const from = Math.max(0, index - contextLines);
    const to = Math.min(edits.length, index + 1 + contextLines);
    const last = hunks.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = to;
    else hunks.push([from, to]);
  }
  return hunks;
}
