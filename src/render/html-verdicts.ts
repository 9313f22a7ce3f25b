import type { BakeVerdict, Traffic } from '../events/event.ts';
import type { JudgedNodes, PlayState, RunState } from '../events/run-state.ts';
import { formatDuration } from '../model/duration.ts';
import { formatHosts } from './host-list.ts';
import { html, type Html } from './html-template.ts';
import { judgedNodes } from './lines.ts';

const bakeTone: Readonly<Record<BakeVerdict, string>> = {
  passed: 'good',
  failed: 'bad',
  inconclusive: 'warn',
  promoted: 'warn',
  skipped: 'warn',
};

/** How waves were judged, and what the checks have answered. */
export function verdictsSection({ plays }: RunState): Html {
  const judged = plays.flatMap(({ play, verdicts }) => verdicts.map((verdict) => ({ play, verdict })));
  if (judged.length === 0 && plays.every(({ checks }) => checks.length === 0)) return html``;
  return html`<h2>Verdicts on real traffic</h2>
    ${judged.map(({ play, verdict }) => verdictBlock(play, verdict))} ${plays.map(checksBlock)}`;
}

function checksBlock({ checks }: PlayState): Html {
  if (checks.length === 0) return html``;
  return html`<div class="wide">
    <table>
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
            <td>${check}${isDryRun ? ' (dry run)' : ''}</td>
            <td>${formatHosts(hosts, 3)}</td>
            <td>${phase.replace('_', '-')}</td>
            <td class="${{ passed: 'good', failed: 'bad', unanswered: 'warn' }[outcome]}">${outcome}: ${message}</td>
            <td class="number">${failures} of ${failureLimit}</td>
          </tr>`,
      )}
    </table>
  </div>`;
}

function verdictBlock(play: string, judged: JudgedNodes): Html {
  const { wave, hosts, verdict, reason, canary, peers, before } = judged;
  const row = (name: string, traffic: Traffic | undefined): Html =>
    traffic === undefined
      ? html``
      : html`<tr>
          <td>${name}</td>
          <td class="number">${traffic.requests}</td>
          <td class="number">${traffic.errors}</td>
          <td class="number">${(traffic.errorRatio * 100).toFixed(2)} %</td>
          <td class="number">${traffic.responseTimeMs === undefined ? '' : formatDuration(traffic.responseTimeMs)}</td>
        </tr>`;
  const table = (): Html =>
    html`<div class="wide">
      <table>
        <tr>
          <th></th>
          <th class="number">requests</th>
          <th class="number">errors</th>
          <th class="number">ratio</th>
          <th class="number">response time</th>
        </tr>
        ${row(wave, canary)}${row('peers', peers)}${row('before the run', before)}
      </table>
    </div>`;
  return html`<p>
      <b>${judgedNodes(wave, hosts)}</b> (${play}): <b class="${bakeTone[verdict]}">${verdict}</b>, ${reason}
    </p>
    ${canary === undefined ? '' : table()}`;
}
