import { nothingRan } from '../../events/run-state.ts';
import type { Event, Failure } from '../../events/event.ts';
import type { HostState, RunState } from '../../events/run-state.ts';
import { formatDuration } from '../../model/duration.ts';
import { count } from '../../model/count.ts';
import { formatHosts } from '../host-list.ts';
import { derivedResult, groupFailures } from '../summary.ts';
import { html, type Html } from './template.ts';

/** Why a run failed, where, what the containers said, and what to do. Failures that are alike are one. */
export function failuresSection(state: RunState, events: readonly Event[]): Html {
  const failures = groupFailures(state);
  const away = events.filter((event) => event.type === 'host_unreachable');
  const { error } = state;
  if (failures.length === 0 && error === undefined && away.length === 0) return html``;
  return html`<section>
    <h2>${failures.length === 0 ? 'What stood in the way' : 'Why it failed'}</h2>
    ${error === undefined ? html`` : refusal(error, state)} ${unreachable(away)}
    ${failures.map(({ hosts, failure }) => {
      const [first = ''] = hosts;
      const atMs = state.failures.find(({ host }) => host === first)?.atMs ?? state.startedAtMs;
      return failureBlock(hosts, atMs - state.startedAtMs, failure, state.hosts.get(first));
    })}
  </section>`;
}

/** A run that touched nothing: what stood in its way. */
function refusal({ message, details }: NonNullable<RunState['error']>, { failures, exitCode }: RunState): Html {
  const isUntouched = failures.length === 0 && exitCode !== undefined && [2, 4, 6].includes(exitCode);
  return html`<div class="failure">
    <h3>${message}</h3>
    ${details.length === 0 ? html`` : html`<pre>${details.join('\n')}</pre>`}
    ${isUntouched ? html`<p class="todo">No host was changed: put this right, and run the same command again.</p>` : html``}
  </div>`;
}

function unreachable(away: readonly (Event & { readonly type: 'host_unreachable' })[]): Html {
  if (away.length === 0) return html``;
  return html`<div class="failure">
    <h3>${count(away.length, 'host')} unreachable</h3>
    <dl>
      ${away.map(
        ({ host, message, hint }) =>
          html`<dt>${host}</dt>
            <dd>${message}${hint === undefined ? '' : html`<br />try: <code>${hint}</code>`}</dd>`,
      )}
    </dl>
  </div>`;
}

function failureBlock(hosts: readonly string[], afterMs: number, failure: Failure, ended: HostState | undefined): Html {
  const { op, message, exitCode, logs, logFile } = failure;
  const next = ended?.next ?? failure.next;
  const rows: (readonly [string, string | Html])[] = [['why it was done', op.cause]];
  if (exitCode !== undefined) rows.push(['exit code', String(exitCode)]);
  rows.push(['when', `${formatDuration(afterMs)} after the start`]);
  if (ended !== undefined) rows.push([hosts.length === 1 ? 'now' : 'now, each of them', standing(ended)]);
  if (logFile !== undefined) rows.push(['whole log', html`<code>${logFile}</code>`]);
  const of = op.service === undefined ? '' : ` of ${op.service}${hosts.length === 1 ? '' : ` on ${hosts[0] ?? ''}`}`;
  return html`<div class="failure">
    <h3>${formatHosts(hosts, 8)}: ${op.text}</h3>
    <p>${message}</p>
    ${
      logs.length === 0
        ? html``
        : html`<p class="soft label">last log lines${of}</p>
            <pre>${logs.join('\n')}</pre>`
    }
    <dl>
      ${rows.map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
    </dl>
    ${next === undefined ? html`` : html`<p class="todo"><b>What to do:</b> ${isCommand(next) ? html`<code>${next}</code>` : next}</p>`}
  </div>`;
}

/** Advice is a sentence, or what is to be typed. */
function isCommand(text: string): boolean {
  return !/^[A-Z]/.test(text);
}

function standing(host: HostState): string {
  const result = host.result ?? derivedResult(host);
  return result === 'restored' ? (host.message === nothingRan ? nothingRan : 'serving what it ran before') : result;
}
