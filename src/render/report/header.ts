import { exitCodeMeanings, exitCodes } from '../../events/exit-code.ts';
import type { Event, EventOf } from '../../events/event.ts';
import type { RunState } from '../../events/run-state.ts';
import { formatDuration } from '../../model/duration.ts';
import { count } from '../../model/count.ts';
import { outcomeSentence } from '../sentence.ts';
import { derivedResult, outcomeTone, resultOrder, resultTone } from '../summary.ts';
import { html, type Html } from './template.ts';

/** What happened, in a sentence, how the hosts ended, and how to go on. */
export function header(state: RunState): Html {
  const tone = state.outcome === undefined ? 'bad' : outcomeTone[state.outcome];
  return html`<header class="${tone}">
    <p class="kicker">
      <span class="badge ${tone}">${outcomeText(state)}</span> ${state.command ?? 'run'} of
      <b>${state.playbook ?? 'a playbook'}</b>
    </p>
    <h1>${outcomeSentence(state)}</h1>
    ${resultBar(state)} ${goOn(state)}
  </header>`;
}

/** Who did what, when and from where. */
export function factsSection(state: RunState, events: readonly Event[]): Html {
  const started = events.find((event) => event.type === 'run_started');
  return html`<dl class="facts">
    ${factsOf(state, started).map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

export function outcomeText({ outcome }: RunState): string {
  return outcome === undefined ? 'cut off' : outcome.replaceAll('_', ' ');
}

function factsOf(
  state: RunState,
  started: EventOf<'run_started'> | undefined,
): readonly (readonly [string, string | Html])[] {
  const { user, controller, cwd, commit, source, ciJob, toRun, resumed, noBake } = started ?? {};
  const fact = (name: string, value: string | undefined, shown: (text: string) => string | Html = (text) => text) =>
    value === undefined || value === '' ? [] : [[name, shown(value)] as const];
  const code = (text: string): Html => html`<code>${text}</code>`;
  const endedMs = state.lastAtMs;
  return [
    ...fact('started', formatTime(state.startedAtMs)),
    ...fact(state.outcome === undefined ? 'last event' : 'ended', formatTime(endedMs)),
    ...fact('took', formatDuration(state.durationMs ?? endedMs - state.startedAtMs)),
    ...fact('by', user),
    ...fact('from', [controller, cwd].filter((part) => part !== undefined).join(':'), code),
    ...fact('composition', state.composition),
    ...fact('made from', source, code),
    ...fact('commit', commit, (text) => html`<code title="${text}">${text.slice(0, 12)}</code>`),
    ...fact('options', optionsText(started?.options), code),
    ...fact('CI job', ciJob, code),
    ...fact('goes on with', resumed?.run, code),
    ...fact('goes back to', toRun, code),
    ...fact('no bake', noBake?.reason),
    ...fact('run', state.run, code),
    ...fact('rollout', state.version),
    ...fact('exit code', exitCodeText(state.exitCode)),
  ];
}

/** What was given beside the playbook, as it is typed. */
function optionsText(options: EventOf<'run_started'>['options']): string {
  return Object.entries(options ?? {})
    .flatMap(([name, value]) => {
      const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      if (value === true) return [flag];
      const values = Array.isArray(value) ? value : [value];
      return values.flatMap((each: unknown) =>
        typeof each === 'string' || typeof each === 'number' ? [`${flag} ${each}`] : [],
      );
    })
    .join(' ');
}

function exitCodeText(code: number | undefined): string | undefined {
  if (code === undefined) return undefined;
  const name = Object.entries(exitCodes).find(([, value]) => value === code)?.[0];
  const meaning = name === undefined ? '' : `: ${exitCodeMeanings[name as keyof typeof exitCodes]}`;
  return `${code}${meaning}`;
}

/** Every host has its share of one bar, and its result a number. */
function resultBar(state: RunState): Html {
  const counts = new Map(resultOrder.map((result) => [result, 0]));
  for (const host of state.hosts.values()) {
    const result = host.result ?? derivedResult(host);
    counts.set(result, (counts.get(result) ?? 0) + 1);
  }
  const shown = [...counts].filter(([, amount]) => amount > 0);
  if (shown.length === 0) return html``;
  return html`<div class="share" aria-hidden="true">
      ${shown.map(([result, amount]) => html`<i class="${result}" style="flex-grow: ${amount}"></i>`)}
    </div>
    <p class="counts">
      ${count(state.hosts.size, 'host')}:
      ${shown.map(
        ([result, amount]) =>
          html`<span class="${resultTone[result]}"><i class="${result}"></i>${amount} ${result}</span>`,
      )}
    </p>`;
}

function goOn({ paused, next }: RunState): Html {
  const command = paused?.next ?? next;
  return command === undefined ? html`` : html`<p class="todo"><b>To go on:</b> <code>${command}</code></p>`;
}

/** `2026-11-20 15:04:32 UTC`: the same page wherever it is made. */
function formatTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
