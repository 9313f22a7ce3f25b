import { nothingRan } from '../events/run-state.ts';
import { formatDuration } from '../model/duration.ts';
import type { Event, Failure } from '../events/event.ts';
import { foldEvents } from '../events/fold.ts';
import type { HostState, RunState } from '../events/run-state.ts';
import { count, formatHosts } from './host-list.ts';
import { hostsSection } from './html-hosts.ts';
import { reportStyle } from './html-style.ts';
import { html, type Html } from './html-template.ts';
import { timelineSection } from './html-timeline.ts';
import { verdictsSection } from './html-verdicts.ts';
import { derivedResult, outcomeTone, resultCounts } from './summary.ts';
import { buildTimeline } from './timeline.ts';

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
        ${header(state)} ${failuresSection(state)} ${changesSection(state)} ${verdictsSection(state)}
        ${timelineSection(timeline, state)} ${hostsSection(state, timeline)} ${warningsSection(state)}
        ${planSection(state)}
      </body>
    </html> `;
  return page.html;
}

function outcomeText({ outcome }: RunState): string {
  return outcome === undefined ? 'cut off' : outcome.replaceAll('_', ' ');
}

function header(state: RunState): Html {
  const tone = state.outcome === undefined ? 'bad' : outcomeTone[state.outcome];
  const cards: readonly (readonly [string, string])[] = [
    ['hosts', resultCounts(state)],
    ['duration', formatDuration(state.durationMs ?? state.lastAtMs - state.startedAtMs)],
    ['composition', state.composition ?? 'none'],
    ['started', formatTime(state.startedAtMs)],
    ['by', state.user ?? 'unknown'],
    ['exit code', state.exitCode === undefined ? 'none' : String(state.exitCode)],
  ];
  return html`<header>
    <h1>${state.playbook ?? 'Run'} <span class="badge ${tone}">${outcomeText(state)}</span></h1>
    <div class="soft">${state.command ?? 'run'} <code>${state.run}</code>, rollout ${state.version ?? ''}</div>
    <div class="cards">
      ${cards.map(([name, value]) => html`<div class="card"><span>${name}</span><b>${value}</b></div>`)}
    </div>
    ${state.paused === undefined ? html`` : html`<p class="warn">Paused: ${state.paused.reason}. To go on: <code>${state.paused.next}</code></p>`}
    ${state.error === undefined ? html`` : refusal(state.error)}
    ${state.next === undefined ? html`` : html`<p class="warn">To go on: <code>${state.next}</code></p>`}
  </header>`;
}

/** A run that touched nothing: what stood in its way is the first thing to read. */
function refusal({ message, details }: NonNullable<RunState['error']>): Html {
  return html`<div class="failure">
    <h3>${message}</h3>
    ${details.length === 0 ? html`` : html`<pre>${details.join('\n')}</pre>`}
  </div>`;
}

/** `2026-11-20 15:04:32 UTC`: the same page wherever it is made. */
function formatTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function failuresSection(state: RunState): Html {
  if (state.failures.length === 0) return html``;
  return html`<h2>${count(state.failures.length, 'failure')}</h2>
    ${state.failures.map(({ host, atMs, failure }) => failureBlock(host, atMs - state.startedAtMs, failure, state.hosts.get(host)))}`;
}

function failureBlock(host: string, afterMs: number, failure: Failure, ended: HostState | undefined): Html {
  const { op, message, exitCode, logs, logFile } = failure;
  const next = ended?.next ?? failure.next;
  const rows: (readonly [string, string | Html])[] = [['what', message]];
  if (exitCode !== undefined) rows.push(['exit code', String(exitCode)]);
  rows.push(['why it was done', op.cause], ['when', `${formatDuration(afterMs)} after the start`]);
  if (ended !== undefined) rows.push(['now', standing(ended)]);
  if (logFile !== undefined) rows.push(['whole log', html`<code>${logFile}</code>`]);
  if (next !== undefined) rows.push(['next', html`<code>${next}</code>`]);
  return html`<div class="failure">
    <h3><span class="bad">${host}</span>: ${op.text}</h3>
    ${logs.length === 0 ? html`` : html`<pre>${logs.join('\n')}</pre>`}
    <dl>
      ${rows.map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
    </dl>
  </div>`;
}

function standing(host: HostState): string {
  const result = host.result ?? derivedResult(host);
  return result === 'restored' ? (host.message === nothingRan ? nothingRan : 'serving what it ran before') : result;
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
  return html`<h2>What was to change</h2>
    <div class="wide">
      <table>
        <tr>
          <th>service</th>
          <th>change</th>
          <th>why</th>
          <th>hosts</th>
          <th class="number">count</th>
        </tr>
        ${[...rows.values()].map(
          ({ service, kind, cause, hosts }) =>
            html`<tr>
              <td><b>${service}</b></td>
              <td>${kind}</td>
              <td><code>${cause}</code></td>
              <td>${formatHosts(hosts, 12)}</td>
              <td class="number">${hosts.length}</td>
            </tr>`,
        )}
      </table>
    </div>
    ${
      images.length === 0
        ? html``
        : html`<details>
            <summary>${count(images.length, 'image')}, pinned</summary>
            <div class="wide">
              <table>
                ${images.map(
                  ([name, pinned]) =>
                    html`<tr>
                      <td><code>${name}</code></td>
                      <td><code>${pinned}</code></td>
                    </tr>`,
                )}
              </table>
            </div>
          </details>`
    }`;
}

function warningsSection({ warnings, startedAtMs }: RunState): Html {
  if (warnings.length === 0) return html``;
  return html`<h2>${count(warnings.length, 'warning')}</h2>
    <table>
      ${warnings.map(
        ({ host, atMs, message }) =>
          html`<tr>
            <td class="number">${formatDuration(atMs - startedAtMs)}</td>
            <td>${host ?? ''}</td>
            <td class="warn">${message}</td>
          </tr>`,
      )}
    </table>`;
}

function planSection({ planText }: RunState): Html {
  return planText === undefined
    ? html``
    : html`<h2>Plan</h2>
        <details>
          <summary>as it was printed</summary>
          <pre>${planText}</pre>
        </details>`;
}
