// The picture of the live view in the README: `npm run picture` runs an update on a sandbox fleet, under load, and writes
// docs/images/live-view.svg from what the view showed in its middle.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRun } from '../src/api/run.ts';
import type { Event } from '../src/events/event.ts';
import { createRenderer } from '../src/render/renderer.ts';
import { displayWidth } from '../src/render/width.ts';
import { startLoad } from '../src/sandbox/load.ts';
import { writePlaybook } from '../test/support/playbooks.ts';
import { createTerminal } from '../test/support/terminal.ts';
import { startSandboxFleet } from '../test/support/sandbox-fleet.ts';

// What the build puts in.
Object.assign(globalThis, { __ROLLOUT_VERSION__: 'picture', __ROLLOUT_BUGS__: '' });

const [columns, rows] = [88, 20];
/** The live view when the third node to be updated leaves rotation. */
async function screenOfRun(): Promise<readonly string[]> {
  const fleet = await startSandboxFleet({ hosts: 6 });
  const cwd = await mkdtemp(join(tmpdir(), 'rollout-picture-'));
  const load = startLoad({ url: fleet.frontendUrl, connections: 8, slowShare: 0.05, thinkMs: 10 });
  try {
    const health = await fleet.publish('shop/health', '1');
    const everyoneAtOnce = { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0 };
    const update = async (version: string, strategy: Readonly<Record<string, unknown>>) => {
      const app = await fleet.publish('shop/app', version, { APP_VERSION: version });
      const playbook = await writePlaybook(fleet, { health, app, strategy });
      const events: Event[] = [];
      const options = { cwd, homeDir: cwd, env: {}, onEvent: (event: Event) => events.push(event) };
      const run = await openRun(playbook, options);
      const { outcome } = await run.start();
      await run.close();
      if (outcome !== 'changed') throw new Error(`the run ended as ${outcome}`);
      return events;
    };
    await update('1.4', everyoneAtOnce);
    const events = await update('1.5', { min_healthy_time: '1s' });
    const drains = events.flatMap(({ type }, at) => (type === 'drain_started' ? [at] : []));
    const shown = events.slice(0, (drains[3] ?? 0) + 4);
    return shownAs(shown);
  } finally {
    await load.stop();
    await fleet.close();
    await rm(cwd, { recursive: true, force: true });
  }
}

/** What is on the screen after these events. */
function shownAs(events: readonly Event[]): readonly string[] {
  const terminal = createTerminal(columns, rows);
  let nowMs = events[0]?.at ?? 0;
  // Only what is drawn at an event: nothing is left to a timer.
  const clock = { now: () => nowMs, sleep: () => new Promise<void>(() => undefined) };
  const renderer = createRenderer({
    output: 'tty',
    stdout: terminal,
    clock,
    color: false,
    verbosity: 0,
    term: 'xterm',
  });
  for (const event of events) {
    // The last one is late by more than the time between two pictures.
    nowMs = event === events.at(-1) ? event.at + 400 : event.at;
    renderer.emit(event);
  }
  return terminal.screen().filter((line, at, lines) => line !== '' || lines[at - 1] !== '');
}

/** Lines with colours as text: no font is brought along, and no program runs. */
function svgOf(lines: readonly string[]): string {
  const [lineHeight, characterWidth, margin] = [20, 8.4, 16];
  const width = Math.ceil(columns * characterWidth + 2 * margin);
  const height = lines.length * lineHeight + 2 * margin;
  const texts = lines.map((line, at) => {
    const y = margin + (at + 0.75) * lineHeight;
    let column = 0;
    const spans = partsOf(line).map(({ text, className }) => {
      const x = (margin + column * characterWidth).toFixed(1);
      const length = displayWidth(text);
      column += length;
      const fitted = `textLength="${(length * characterWidth).toFixed(1)}" lengthAdjust="spacingAndGlyphs"`;
      return text.trim() === '' ? '' : `<tspan x="${x}" class="${className}" ${fitted}>${escaped(text)}</tspan>`;
    });
    return `<text y="${y.toFixed(0)}">${spans.join('')}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="The live view of a run in its middle">
<style>text{font:14px ui-monospace,Menlo,Consolas,monospace;white-space:pre;fill:#d6dbe4}.red{fill:#ff7b72}.green{fill:#6bd08a}.blue{fill:#6cb6ff}</style>
<rect width="100%" height="100%" rx="8" fill="#151a23"/>
${texts.join('\n')}
</svg>
`;
}

const marks: Readonly<Record<string, string>> = { '✓': 'green', '✗': 'red', '▸': 'blue', '█': 'green' };

/** A line's mark and bar in their colours, the rest as text. */
function partsOf(line: string): readonly { readonly text: string; readonly className: string }[] {
  return (line.match(/[✓✗▸]|[█▒░]+| +|[^✓✗▸█▒░ ](?:[^✓✗▸█▒░]*[^✓✗▸█▒░ ])?/gu) ?? []).map((text) => ({
    text,
    className: marks[text.charAt(0)] ?? 'text',
  }));
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;').replaceAll(' ', '\u00a0');
}

const target = new URL('../docs/images/live-view.svg', import.meta.url);
await writeFile(target, svgOf(await screenOfRun()));
