import type { Event, EventOf } from '../../events/event.ts';
import { formatDuration } from '../../model/duration.ts';
import { count } from '../../model/count.ts';
import { formatHosts } from '../host-list.ts';
import { html, type Html } from './template.ts';

type Finished = EventOf<'task_finished'>;

/** More results than this are counted only: a page of many megabytes helps nobody. */
const mostShown = 1000;

const tones = { ok: 'good', changed: 'warn', skipped: 'soft', failed: 'bad', ignored: 'warn' } as const;

/** Every task with how it ended where, and what it printed; those that failed are open. */
export function tasksSection(events: readonly Event[]): Html {
  const tasks = new Map<string, Finished[]>();
  for (const event of events) {
    if (event.type !== 'task_finished') continue;
    const results = tasks.get(event.task) ?? [];
    results.push(event);
    tasks.set(event.task, results);
  }
  if (tasks.size === 0) return html``;
  const all = [...tasks.values()].reduce((sum, { length }) => sum + length, 0);
  return html`<section>
    <h2>Tasks</h2>
    ${
      all > mostShown
        ? html`<p class="soft">The output is shown of tasks that failed only; the journal holds all ${all} results.</p>`
        : html``
    }
    ${[...tasks].map(([task, results]) => taskBlock(task, results, all > mostShown))}
  </section>`;
}

function taskBlock(task: string, results: readonly Finished[], onlyFailed: boolean): Html {
  const counts = new Map<Finished['status'], number>();
  for (const { status } of results) counts.set(status, (counts.get(status) ?? 0) + 1);
  const hasFailed = counts.has('failed');
  const shown = onlyFailed ? results.filter(({ status }) => status === 'failed') : results;
  return html`<details${{ html: hasFailed ? ' open' : '' }}>
    <summary>
      <b>${task}</b> <span class="soft">${results[0]?.module ?? ''}, ${count(new Set(results.map(({ host }) => host)).size, 'host')}:</span>
      ${[...counts].map(([status, amount], index) => html`${index === 0 ? '' : ', '}<span class="${tones[status]}">${amount} ${status}</span>`)}
    </summary>
    ${groupAlike(shown).map(resultBlock)}
  </details>`;
}

interface Alike {
  readonly hosts: string[];
  readonly result: Finished;
}

/** Hosts where a task ended in the same way and said the same are one. */
function groupAlike(results: readonly Finished[]): Alike[] {
  const groups = new Map<string, Alike>();
  for (const result of results) {
    const { status, item, rc, message, stdout, stderr, diff } = result;
    const key = JSON.stringify([status, item, rc, message, stdout, stderr, diff]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { hosts: [result.host], result });
    else group.hosts.push(result.host);
  }
  return [...groups.values()];
}

function resultBlock({ hosts, result }: Alike): Html {
  const { status, item, rc, message, stdout, stderr, diff, durationMs } = result;
  const took = hosts.length === 1 ? ` in ${formatDuration(durationMs)}` : '';
  const code = rc === undefined || rc === 0 ? '' : `, exit code ${rc}`;
  const printed = (name: string, text: string | undefined): Html =>
    text === undefined || text.trim() === ''
      ? html``
      : html`<p class="soft label">${name}</p>
          <pre>${text.trimEnd()}</pre>`;
  return html`<div class="result">
    <p>
      ${formatHosts(hosts, 8)}${item === undefined ? '' : ` [${item}]`}:
      <span class="${tones[status]}">${status === 'ignored' ? 'failed, ignored' : status}</span
      >${took}${code}${message === undefined ? '' : `: ${message}`}
    </p>
    ${printed('stdout', stdout)} ${printed('stderr', stderr)} ${printed('difference', diff?.join('\n'))}
  </div>`;
}
