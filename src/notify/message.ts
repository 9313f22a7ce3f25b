import type { Event } from '../events/event.ts';
import type { RunState } from '../events/run-state.ts';
import type { NotifyKind, NotifyTarget } from '../model/notify.ts';
import { formatOutcome, resultCounts } from '../render/summary.ts';

/** What is told of a run, without secrets: events hold none. */
export interface Message {
  readonly v: 1;
  readonly event: NotifyKind;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly run: string;
  readonly name: string;
  readonly playbook: string;
  readonly outcome?: string;
  readonly exitCode?: number;
  /** `5 updated, 1 untouched`. */
  readonly results?: string;
  readonly failures?: readonly { readonly host: string; readonly message: string }[];
  readonly error?: string;
  /** What to type to go on. */
  readonly next?: string;
  /** All of it in a line. */
  readonly text: string;
}

const mostTextLength = 1000;
const mostFailures = 20;

/** What an event is to those who are told, the most telling first; nothing for most events. */
export function kindsOf(event: Event): readonly NotifyKind[] {
  if (event.type === 'run_started') return ['started'];
  if (event.type === 'node_failed') return ['node_failed'];
  if (event.type !== 'run_finished') return [];
  switch (event.outcome) {
    case 'rolled_back':
    case 'failed':
      return ['failed', 'finished'];
    case 'unchanged':
      return ['finished'];
    case 'changed':
    case 'paused':
    case 'interrupted':
      return [event.outcome, 'finished'];
  }
}

/** @param state of the run, this event among it */
export function messageOf(
  kind: NotifyKind,
  event: Event,
  state: RunState,
  about: { name: string; playbook: string },
): Message {
  const base = { v: 1, event: kind, at: event.at, run: event.run, ...about } as const;
  const told = (text: string): string => short(`${about.name}: ${text}`);
  if (event.type === 'node_failed') {
    const failure = failureOf(event.host, event.failure);
    return {
      ...base,
      failures: [failure],
      text: told(`${failure.host} failed: ${failure.message} (run ${event.run})`),
    };
  }
  if (event.type !== 'run_finished')
    return { ...base, text: told(`run ${event.run} has started on ${state.hosts.size} hosts`) };
  const failures = state.failures.slice(0, mostFailures).map(({ host, failure }) => failureOf(host, failure));
  const error = event.error === undefined ? undefined : short(event.error.message);
  return {
    ...base,
    outcome: event.outcome,
    exitCode: event.exitCode,
    results: resultCounts(state),
    failures,
    ...(error === undefined ? {} : { error }),
    ...(state.next === undefined ? {} : { next: state.next }),
    text: told(`${formatOutcome(state).text}${error === undefined ? '' : `: ${error}`}`),
  };
}

function failureOf(
  host: string,
  { op, message }: { readonly op: { readonly text: string }; readonly message: string },
) {
  return { host, message: short(`${op.text}: ${message}`) };
}

function short(text: string): string {
  return text.length > mostTextLength ? `${text.slice(0, mostTextLength)} …` : text;
}

/** What is sent. Slack reads `&`, `<` and `>`: a host's words must not become links or mentions. */
export function bodyOf(message: Message, form: NotifyTarget['form']): string {
  if (form === 'text') return `${message.text}\n`;
  if (form === 'json') return JSON.stringify(message);
  const text = message.text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return JSON.stringify({ text });
}
