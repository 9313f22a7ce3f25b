import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { formatReport } from '../../../src/render/report/page.ts';
import { large, streams } from '../../support/event-streams.ts';

for (const name of [
  'rolling',
  'canaryFails',
  'unreachable',
  'twoPlays',
  'hostile',
  'refused',
  'alike',
  'judged',
  'counted',
] as const) {
  test(`the report of the run '${name}'`, async () => {
    await expect(formatReport(streams[name]())).toMatchFileSnapshot(`../../cases/render/html/${name}.html`);
  });
}

test.each(['rolling', 'refused', 'unreachable', 'canaryFails', 'judged', 'interrupted', 'large', 'counted'] as const)(
  "the words of the run %s are those that the lab's Chromium shows",
  (name) => {
    const file = new URL(`../../cases/render/report/${name}.txt`, import.meta.url);
    const shown = readFileSync(file, 'utf8').replace(/\s/g, '');
    expect(wordsOf(formatReport(streams[name]()))).toBe(shown);
  },
);

/** What a browser shows of a page: no styles, no titles, of a closed fold the summary alone. Without spaces. */
function wordsOf(page: string): string {
  const unfold = (fold: string): string => /<summary[\s\S]*?<\/summary>/.exec(fold)?.[0] ?? '';
  const innermostClosed = /<details(?![^>]*\bopen\b)[^>]*>(?:(?!<details)[\s\S])*?<\/details>/;
  let body = page.replace(/^[\s\S]*<body[^>]*>/, '').replace(/<(style|title)\b[\s\S]*?<\/\1>/g, '');
  while (innermostClosed.test(body)) body = body.replace(innermostClosed, unfold);
  const entities = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' };
  return Object.entries(entities).reduce(
    (text, [entity, character]) => text.replaceAll(entity, character),
    body.replace(/<[^>]+>|\s/g, ''),
  );
}

test('a run that was cut off is reported up to where it came', async () => {
  const events = streams.rolling();
  const cut = events.slice(0, events.findIndex(({ type }) => type === 'node_drained') + 2);
  await expect(formatReport(cut)).toMatchFileSnapshot('../../cases/render/html/cut-off.html');
});

test('a page runs nothing, loads nothing, and holds no tag that is not ours', () => {
  for (const stream of Object.values(streams)) {
    const page = formatReport(stream());
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(page).not.toMatch(/<script|<img|<link|<iframe|\son\w+=|\ssrc=|\shref=|url\(|@import/i);
    // eslint-disable-next-line no-control-regex -- it is about control characters
    expect(page).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u202e]/);
  }
  expect(formatReport(streams.hostile())).toContain(
    '&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;quotes&quot;',
  );
});

test('two thousand hosts make a page that a browser still opens', () => {
  const page = formatReport(large(2000));
  expect(page.length).toBeLessThan(5_000_000);
  expect(page.match(/class="lane"/g)).toHaveLength(2001);
});
