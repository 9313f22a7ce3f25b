import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { formatReport } from '../../../src/render/report/page.ts';
import { Browser } from '../../support/browser.ts';
import { streams } from '../../support/event-streams.ts';
import { installPrograms } from '../support/packages.ts';

/** Runs that succeeded, failed in preflight, were rolled back, were interrupted, have 200 nodes, and one with all there is. */
const runs = ['rolling', 'refused', 'unreachable', 'canaryFails', 'judged', 'interrupted', 'large', 'counted'] as const;
type Run = (typeof runs)[number];

describe.skipIf(inject('labName') === '')('a report in Chromium', () => {
  let browser: Browser;
  let folder: string;

  beforeAll(async () => {
    await installPrograms([['chromium', 'chromium']], (line) => process.stderr.write(`lab: ${line}\n`));
    folder = await mkdtemp(join(tmpdir(), 'rollout-report-'));
    for (const run of [...runs, 'hostile'] as const)
      await writeFile(join(folder, `${run}.html`), formatReport(streams[run]()));
    browser = await Browser.start();
  }, 600_000);

  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });

  const addressOf = (run: Run | 'hostile'): string => pathToFileURL(join(folder, `${run}.html`)).href;

  test.each(runs)('of the run %s says this', async (run) => {
    await browser.look({ width: 1280, scheme: 'light' });
    await browser.open(addressOf(run));
    const text = await browser.evaluate<string>('document.body.innerText');
    await expect(`${text.replace(/[ \t]+$/gm, '')}\n`).toMatchFileSnapshot(`../../cases/render/report/${run}.txt`);
  });

  test.each(runs)('of the run %s can be read at 390 and 1280 pixels, in light and dark', async (run) => {
    for (const width of [390, 768, 1280])
      for (const scheme of ['light', 'dark'] as const) {
        await browser.look({ width, scheme });
        await browser.open(addressOf(run));
        await browser.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))");
        const found = await browser.evaluate<object>(readable);
        expect({ width, scheme, ...found }).toEqual({ width, scheme, sideways: 0, cut: [], faint: [] });
      }
  });

  test.each(runs)('of the run %s is worked with the keyboard alone', async (run) => {
    await browser.look({ width: 1280, scheme: 'light' });
    await browser.open(addressOf(run));
    const stops = await browser.evaluate<number>("document.querySelectorAll('summary').length");
    const opened = new Set<string>();
    for (let pressed = 0; pressed < Math.min(stops, 12) + 3; pressed += 1) {
      await browser.press('Tab');
      const before = await browser.evaluate<string>(focused);
      if (before === '') continue;
      await browser.press('Enter');
      const after = await browser.evaluate<string>(focused);
      expect(after).toBe(before.endsWith('open') ? before.replace(/open$/, 'shut') : before.replace(/shut$/, 'open'));
      opened.add(before);
    }
    expect(opened.size).toBeGreaterThanOrEqual(Math.min(stops, 12));
  });

  test.each(runs)('of the run %s prints', async (run) => {
    await browser.look({ width: 1280, scheme: 'dark', medium: 'print' });
    await browser.open(addressOf(run));
    expect(await browser.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
    const pages = (await browser.pdf()).toString('latin1').match(/\/Type\s*\/Page\b/g) ?? [];
    expect(pages.length).toBeGreaterThan(0);
    // A report of six nodes is two or three pages, one of 200 a dozen.
    expect(pages.length).toBeLessThan(run === 'large' ? 20 : 6);
  });

  test('asks for nothing but itself, and the console has nothing to say, whatever hosts print', async () => {
    await browser.look({ width: 1280, scheme: 'light' });
    browser.requests.length = 0;
    browser.complaints.length = 0;
    for (const run of [...runs, 'hostile'] as const) await browser.open(addressOf(run));
    expect(browser.requests).toEqual([...runs, 'hostile' as const].map(addressOf));
    expect(browser.complaints).toEqual([]);
  });
});

/** The fold that has the focus, with its text, and whether it is open; empty for anything else. */
const focused = `(() => {
  const element = document.activeElement;
  if (element?.tagName !== 'SUMMARY') return '';
  const all = [...document.querySelectorAll('summary')];
  return all.indexOf(element) + ' ' + element.textContent.trim().slice(0, 40) + ' ' + (element.parentElement.open ? 'open' : 'shut');
})()`;

/** Columns that stand out at the side; text that its box cuts off; text with a contrast below WCAG's 4.5 to 1. */
const readable = `(() => {
  const channels = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (color) => {
    const [r, g, b] = channels(color).map((value) => value / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = getComputedStyle(each).backgroundColor;
      if ((channels(color)[3] ?? 1) > 0) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const cut = new Set();
  const faint = new Set();
  for (const element of document.querySelectorAll('body *')) {
    if (element.closest('svg')) continue;
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
    if (!own || element.getClientRects().length === 0) continue;
    const style = getComputedStyle(element);
    const [dark, bright] = [light(style.color), light(ground(element))].sort((a, b) => a - b);
    if ((bright + 0.05) / (dark + 0.05) < 4.5) faint.add(element.tagName + ' ' + element.className + ': ' + element.textContent.trim().slice(0, 40));
    const isCut = element.scrollWidth > element.clientWidth + 1 && style.display !== 'inline' && !element.hasAttribute('title');
    if (isCut) cut.add(element.tagName + ' ' + element.className + ': ' + element.textContent.trim().slice(0, 40));
  }
  const sideways = Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth);
  return { sideways, cut: [...cut], faint: [...faint] };
})()`;
