import type { HostState, RunState } from '../../events/run-state.ts';
import { formatDuration } from '../../model/duration.ts';
import { count } from '../../model/count.ts';
import { formatHosts } from '../host-list.ts';
import { derivedResult, resultTone } from '../summary.ts';
import type { DoneOp, Timeline } from './spans.ts';
import { html, type Html } from './template.ts';

/** Every host with its result, and its steps to open: those that failed first, and open. */
export function hostsSection(state: RunState, timeline: Timeline): Html {
  const opsOf = new Map(timeline.hosts.map(({ host, ops }) => [host, ops]));
  const opCount = timeline.hosts.reduce((sum, { ops }) => sum + ops.length, 0);
  // A page of many megabytes helps nobody: then only failed hosts show their steps, the journal has the others.
  const showsAll = opCount <= 5000;
  const hosts = [...state.hosts.values()].sort((a, b) => Number(isFailed(b)) - Number(isFailed(a)));
  const quiet = hosts.length <= fewHosts ? [] : hosts.filter((host) => isQuiet(host, opsOf.get(host.host)));
  const folded = new Set(quiet.map(({ host }) => host));
  const rows = hosts
    .filter(({ host }) => !folded.has(host))
    .map((host) => {
      const ops = showsAll || host.failure !== undefined ? (opsOf.get(host.host) ?? []) : [];
      return hostRow(host, ops, state.startedAtMs);
    });
  return html`<section>
    <h2>${count(state.hosts.size, 'host')}</h2>
    ${
      showsAll
        ? html``
        : html`<p class="soft">Steps are shown for failed hosts only; the journal holds all ${opCount}.</p>`
    }
    <div class="hosts">${rows} ${foldedRows(quiet)}</div>
  </section>`;
}

/** Fewer are shown one by one, whatever they have to say. */
const fewHosts = 20;

function isFailed(host: HostState): boolean {
  return host.failure !== undefined || resultTone[host.result ?? derivedResult(host)] === 'bad';
}

/** Nothing was done there, and there is nothing to say. */
function isQuiet(host: HostState, ops: readonly DoneOp[] | undefined): boolean {
  return !isFailed(host) && (ops ?? []).length === 0 && (host.message ?? '') === '';
}

function foldedRows(hosts: readonly HostState[]): Html[] {
  const alike = new Map<string, string[]>();
  for (const host of hosts) {
    const result = host.result ?? derivedResult(host);
    alike.set(result, [...(alike.get(result) ?? []), host.host]);
  }
  return [...alike].map(
    ([result, names]) =>
      html`<div class="host">
        <span>${formatHosts(names)}</span><span class="soft">${result}</span><span class="number">${names.length}</span>
      </div>`,
  );
}

/** One line, that opens to show the steps where there are any. */
function hostRow(host: HostState, ops: readonly DoneOp[], startedAtMs: number): Html {
  const result = host.result ?? derivedResult(host);
  const took = host.durationMs === undefined || result === 'unchanged' ? '' : formatDuration(host.durationMs);
  const message = host.message ?? '';
  const cells = html`<span>${host.host}</span><span class="${resultTone[result]}">${result}</span
    ><span class="number">${took}</span>${message === '' ? html`` : html`<span>${message}</span>`}`;
  if (ops.length === 0) return html`<div class="host">${cells}</div>`;
  return html`<details${{ html: isFailed(host) ? ' open' : '' }}>
    <summary class="host">${cells}</summary>
    <table class="stack steps">
      <tr>
        <th class="number">at</th>
        <th>step</th>
        <th>why</th>
        <th class="number">took</th>
        <th>result</th>
      </tr>
      ${ops.map((op) => opRow(op, startedAtMs))}
    </table>
  </details>`;
}

function opRow({ op, startMs, endMs, ok, exitCode, message }: DoneOp, startedAtMs: number): Html {
  const failed = html`<span class="bad">${failedText(ok, exitCode)}</span> ${message ?? ''}`;
  return html`<tr>
    <td class="number" data-label="at">${formatDuration(startMs - startedAtMs)}</td>
    <td>${op.text}</td>
    <td data-label="why"><code>${op.cause}</code></td>
    <td class="number" data-label="took">${endMs === undefined ? '' : formatDuration(endMs - startMs)}</td>
    <td>${ok === true ? html`<span class="good">ok</span>` : failed}</td>
  </tr>`;
}

function failedText(ok: boolean | undefined, exitCode: number | undefined): string {
  if (ok === undefined) return 'cut off';
  return exitCode === undefined ? 'failed' : `failed, exit code ${exitCode}`;
}
