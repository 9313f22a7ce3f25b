import type { BakeVerdict, Traffic } from '../../events/event.ts';
import type { GateState, JudgedNodes, PlayState, RunState } from '../../events/run-state.ts';
import { formatDuration } from '../../model/duration.ts';
import { formatHosts } from '../host-list.ts';
import { html, type Html } from './template.ts';
import { judgedNodes } from '../lines.ts';

const bakeTone: Readonly<Record<BakeVerdict, string>> = {
  passed: 'good',
  failed: 'bad',
  inconclusive: 'warn',
  promoted: 'warn',
  skipped: 'warn',
};

/** How waves were judged, and what the checks and gates have answered. */
export function verdictsSection({ plays }: RunState): Html {
  const judged = plays.flatMap(({ play, verdicts }) => verdicts.map((verdict) => ({ play, verdict })));
  const gates = plays.flatMap(({ play, gates: asked }) => asked.map((gate) => gateBlock(play, gate)));
  if (judged.length === 0 && gates.length === 0 && plays.every(({ checks }) => checks.length === 0)) return html``;
  return html`<section>
    <h2>${gates.length === 0 ? 'Verdicts on real traffic' : 'Verdicts and gates'}</h2>
    ${judged.map(({ play, verdict }) => verdictBlock(play, verdict))} ${plays.map(checksBlock)} ${gates}
  </section>`;
}

function gateBlock(play: string, { gate, hosts, startedAtMs, end }: GateState): Html {
  const tone = end === undefined ? 'warn' : end.ok ? 'good' : 'bad';
  const answer = end === undefined ? 'no answer' : end.ok ? 'passed' : 'failed';
  const took = end === undefined ? '' : `, after ${formatDuration(Math.max(0, end.atMs - startedAtMs))}`;
  return html`<div class="verdict ${tone}">
    <p>
      <b>gate <code>${gate}</code></b> <span class="soft">(${play}, canary ${formatHosts(hosts, 8)})</span>
      <b class="badge ${tone}">${answer}</b>
    </p>
    <p>${end === undefined ? 'The run ended before its gate had answered.' : `${end.message}${took}`}</p>
    ${end === undefined || end.output.length === 0 ? html`` : html`<pre>${end.output.join('\n')}</pre>`}
  </div>`;
}

function checksBlock({ checks }: PlayState): Html {
  if (checks.length === 0) return html``;
  return html`<table class="stack">
    <tr>
      <th>check</th>
      <th>hosts</th>
      <th>during</th>
      <th>last answer</th>
      <th class="number">failures</th>
    </tr>
    ${checks.map(
      ({ check, hosts, phase, outcome, message, failures, failureLimit, isDryRun }) =>
        html`<tr>
          <td><b>${check}</b>${isDryRun ? ' (dry run)' : ''}</td>
          <td data-label="hosts">${formatHosts(hosts, 3)}</td>
          <td data-label="during">${phase.replace('_', '-')}</td>
          <td class="${{ passed: 'good', failed: 'bad', unanswered: 'warn' }[outcome]}">${outcome}: ${message}</td>
          <td class="number" data-label="failures">${failures} of ${failureLimit}</td>
        </tr>`,
    )}
  </table>`;
}

function verdictBlock(play: string, judged: JudgedNodes): Html {
  const { wave, hosts, verdict, reason, canary, peers, before, detectableRatio } = judged;
  const rows = [
    ['updated', canary],
    ['peers', peers],
    ['before the run', before],
  ] as const;
  const most = Math.max(0, detectableRatio ?? 0, ...rows.map(([, traffic]) => traffic?.errorRatio ?? 0));
  return html`<div class="verdict ${bakeTone[verdict]}">
    <p>
      <b>${judgedNodes(wave, hosts)}</b> <span class="soft">(${play})</span>
      <b class="badge ${bakeTone[verdict]}">${verdict}</b>
    </p>
    <p>${reason}</p>
    ${
      canary === undefined
        ? ''
        : html`<table class="numbers">
            <tr>
              <th></th>
              <th class="number">requests</th>
              <th class="number">errors</th>
              <th class="number">share</th>
              <th class="scale"></th>
              <th class="number">response</th>
            </tr>
            ${rows.map(([name, traffic]) => trafficRow(name, traffic, most))}
            ${detectableRatio === undefined ? html`` : seenRow(detectableRatio, most)}
          </table>`
    }
  </div>`;
}

function trafficRow(name: string, traffic: Traffic | undefined, most: number): Html {
  if (traffic === undefined) return html``;
  const { requests, errors, errorRatio, responseTimeMs } = traffic;
  return html`<tr>
    <td>${name}</td>
    <td class="number">${requests}</td>
    <td class="number">${errors}</td>
    <td class="number">${percentText(errorRatio)}</td>
    <td class="scale">${scaleBar(errorRatio, most)}</td>
    <td class="number">${responseTimeMs === undefined ? '' : formatDuration(responseTimeMs)}</td>
  </tr>`;
}

/** What the verdict could have seen, on the same scale. */
function seenRow(detectableRatio: number, most: number): Html {
  return html`<tr class="soft">
    <td colspan="3">would have been seen from</td>
    <td class="number">${percentText(detectableRatio)}</td>
    <td class="scale">${scaleBar(detectableRatio, most)}</td>
    <td></td>
  </tr>`;
}

function scaleBar(ratio: number, most: number): Html {
  const width = most === 0 ? 0 : (ratio / most) * 100;
  return html`<svg aria-hidden="true"><rect width="${width.toFixed(1)}%" height="10"></rect></svg>`;
}

function percentText(ratio: number): string {
  return `${(ratio * 100).toFixed(2)} %`;
}
