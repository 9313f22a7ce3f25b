import type { Event } from '../../events/event.ts';
import { foldEvents } from '../../events/fold.ts';
import type { RunState } from '../../events/run-state.ts';
import { formatDuration } from '../../model/duration.ts';
import { count } from '../../model/count.ts';
import { formatHosts } from '../host-list.ts';
import { failuresSection } from './failures.ts';
import { factsSection, header, outcomeText } from './header.ts';
import { hostsSection } from './hosts.ts';
import { buildTimeline } from './spans.ts';
import { reportStyle } from './style.ts';
import { tasksSection } from './tasks.ts';
import { html, type Html } from './template.ts';
import { timelineSection } from './timeline.ts';
import { verdictsSection } from './verdicts.ts';

/**
 * The report of a run, finished or cut off: one page that needs nothing else and runs nothing. Everything in it that
 * came from a host or a file is escaped.
 */
export function formatReport(events: readonly Event[]): string {
  const state = foldEvents(events);
  const timeline = buildTimeline(events);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <title>${outcomeText(state)}: ${state.playbook ?? 'run'} (${state.run})</title>
        <style>
          ${{ html: reportStyle }}
        </style>
      </head>
      <body>
        ${header(state)}
        <main>
          ${failuresSection(state, events)} ${factsSection(state, events)} ${timelineSection(timeline, state, events)}
          ${verdictsSection(state)} ${changesSection(state)} ${tasksSection(events)} ${hostsSection(state, timeline)}
          ${notesSection(state, events)} ${planSection(state)}
        </main>
      </body>
    </html> `;
  return page.html;
}

interface ChangeRow {
  readonly service: string;
  readonly kind: string;
  readonly cause: string;
  readonly hosts: string[];
}

/** Each change once, with the hosts that it concerns: old → new. */
function changesSection(state: RunState): Html {
  const rows = new Map<string, ChangeRow>();
  for (const { changes } of state.plays) {
    for (const [host, ofHost] of Object.entries(changes)) {
      for (const { service, kind, cause } of ofHost) {
        const key = JSON.stringify([service, kind, cause]);
        const row = rows.get(key) ?? { service, kind, cause, hosts: [] };
        rows.set(key, row);
        row.hosts.push(host);
      }
    }
  }
  const images = Object.entries(state.images);
  if (rows.size === 0 && images.length === 0) return html``;
  return html`<section>
    <h2>What was to change</h2>
    <table class="stack">
      <tr>
        <th>service</th>
        <th>change</th>
        <th>why</th>
        <th>hosts</th>
      </tr>
      ${[...rows.values()].map(
        ({ service, kind, cause, hosts }) =>
          html`<tr>
            <td><b>${service}</b></td>
            <td data-label="change">${kind}</td>
            <td data-label="why"><code>${cause}</code></td>
            <td data-label="hosts">${formatHosts(hosts, 12)}${hosts.length > 2 ? ` (${hosts.length})` : ''}</td>
          </tr>`,
      )}
    </table>
    ${
      images.length === 0
        ? html``
        : html`<details>
            <summary>${count(images.length, 'image')}, pinned</summary>
            <table class="stack">
              ${images.map(
                ([name, pinned]) =>
                  html`<tr>
                    <td><code>${name}</code></td>
                    <td><code>${pinned}</code></td>
                  </tr>`,
              )}
            </table>
          </details>`
    }
  </section>`;
}

/** Warnings, and what was asked for from another terminal. */
function notesSection({ startedAtMs }: RunState, events: readonly Event[]): Html {
  const notes = events.flatMap((event) => {
    if (event.type === 'warning') return [{ atMs: event.at, who: event.host ?? '', text: event.message }];
    if (event.type !== 'run_steered') return [];
    return [{ atMs: event.at, who: event.by, text: `${event.steering}: ${event.message}` }];
  });
  if (notes.length === 0) return html``;
  return html`<section>
    <h2>${notes.length === 1 ? 'A warning' : 'Warnings'}</h2>
    <table class="stack notes">
      ${notes.map(
        ({ atMs, who, text }) =>
          html`<tr>
            <td class="number" data-label="at">${formatDuration(Math.max(0, atMs - startedAtMs))}</td>
            ${who === '' ? html`<td></td>` : html`<td data-label="who">${who}</td>`}
            <td class="warn">${text}</td>
          </tr>`,
      )}
    </table>
  </section>`;
}

function planSection({ planText }: RunState): Html {
  return planText === undefined
    ? html``
    : html`<section>
        <h2>Plan</h2>
        <details>
          <summary>as it was printed</summary>
          <pre>${planText}</pre>
        </details>
      </section>`;
}
