import type { HostState, RunState } from '../events/run-state.ts';
import { formatDuration } from '../model/duration.ts';
import { count } from './host-list.ts';
import { html, type Html } from './html-template.ts';
import { derivedResult, resultTone } from './summary.ts';
import type { DoneOp, Timeline } from './timeline.ts';

/** Every host with its result, and its steps to open. */
export function hostsSection(state: RunState, timeline: Timeline): Html {
  const opsOf = new Map(timeline.hosts.map(({ host, ops }) => [host, ops]));
  const opCount = timeline.hosts.reduce((sum, { ops }) => sum + ops.length, 0);
  // A page of many megabytes helps nobody: then only failed hosts show their steps, the journal has the others.
  const showsAll = opCount <= 5000;
  const rows = [...state.hosts.values()].map((host) => {
    const ops = showsAll || host.failure !== undefined ? (opsOf.get(host.host) ?? []) : [];
    return hostRow(host, ops, state.startedAtMs);
  });
  return html`<h2>${count(state.hosts.size, 'host')}</h2>
    ${showsAll ? html`` : html`<p class="soft">Steps are shown for failed hosts only; the journal holds all ${opCount}.</p>`}
    <div class="hosts">
      <div class="host soft"><b>host</b><b>result</b><b class="number">time</b></div>
      ${rows}
    </div>`;
}

/** One line, that opens to show the steps where there are any. */
function hostRow(host: HostState, ops: readonly DoneOp[], startedAtMs: number): Html {
  const result = host.result ?? derivedResult(host);
  const took = host.durationMs === undefined || result === 'unchanged' ? '' : formatDuration(host.durationMs);
  const cells = html`<span>${host.host}</span><span class="${resultTone[result]}">${result}</span
    ><span class="number">${took}</span><span>${host.message ?? ''}</span>`;
  if (ops.length === 0) return html`<div class="host">${cells}</div>`;
  return html`<details>
    <summary class="host">${cells}</summary>
    <div class="wide">
      <table class="steps">
        <tr>
          <th class="number">at</th>
          <th>step</th>
          <th>why</th>
          <th class="number">took</th>
          <th></th>
        </tr>
        ${ops.map((op) => opRow(op, startedAtMs))}
      </table>
    </div>
  </details>`;
}

function opRow({ op, startMs, endMs, ok, exitCode, message }: DoneOp, startedAtMs: number): Html {
  const failed = html`<span class="bad">${failedText(ok, exitCode)}</span> ${message ?? ''}`;
  return html`<tr>
    <td class="number">${formatDuration(startMs - startedAtMs)}</td>
    <td>${op.text}</td>
    <td><code>${op.cause}</code></td>
    <td class="number">${endMs === undefined ? '' : formatDuration(endMs - startMs)}</td>
    <td>${ok === true ? html`<span class="good">ok</span>` : failed}</td>
  </tr>`;
}

function failedText(ok: boolean | undefined, exitCode: number | undefined): string {
  if (ok === undefined) return 'cut off';
  return exitCode === undefined ? 'failed' : `failed, exit code ${exitCode}`;
}
