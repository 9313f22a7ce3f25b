import type { Event, Failure } from '../../events/event.ts';
import { foldEvents } from '../../events/fold.ts';
import type { GateState, HostState, PlayState, RunState } from '../../events/run-state.ts';
import { formatHosts } from '../host-list.ts';
import { judgedNodes } from '../lines.ts';
import { sanitize } from '../sanitize.ts';
import { derivedResult } from '../summary.ts';

/** One line of a CI job's list of tests. */
interface Case {
  readonly name: string;
  readonly timeMs: number;
  /** Undefined: it passed. */
  readonly trouble?: {
    readonly kind: 'failure' | 'error' | 'skipped';
    readonly message: string;
    readonly text?: string;
  };
}

/** The run as CI systems read test results: a suite a play, a case a node, and one for preflight, each verdict and each gate. */
export function formatJunit(events: readonly Event[]): string {
  const state = foldEvents(events);
  const suites = [
    { name: 'preflight', cases: [preflightCase(state, events)] },
    ...state.plays.map((play) => ({ name: play.play, cases: playCases(play, state) })),
  ];
  const all = suites.flatMap(({ cases }) => cases);
  const started = new Date(state.startedAtMs).toISOString().slice(0, 19);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${xml(state.playbook ?? 'rollout')}" ${totals(all)} time="${seconds(runMs(state))}">`,
    ...suites.flatMap(({ name, cases }) => [
      `  <testsuite name="${xml(name)}" ${totals(cases)} time="${seconds(sumMs(cases))}" timestamp="${started}">`,
      ...cases.flatMap((each) => caseLines(each, name)),
      '  </testsuite>',
    ]),
    '</testsuites>',
    '',
  ].join('\n');
}

function preflightCase({ error, planText, outcome, startedAtMs, lastAtMs }: RunState, events: readonly Event[]): Case {
  const plannedAtMs = events.find(({ type }) => type === 'plan_ready')?.at;
  const base = { name: 'preflight', timeMs: (plannedAtMs ?? lastAtMs) - startedAtMs };
  if (error !== undefined)
    return { ...base, trouble: { kind: 'error', message: error.message, text: error.details.join('\n') } };
  if (planText !== undefined || outcome === 'changed' || outcome === 'unchanged') return base;
  return { ...base, trouble: { kind: 'error', message: 'the run ended before its plan was ready' } };
}

function playCases(play: PlayState, state: RunState): Case[] {
  const nodes = play.hosts.flatMap((name) => {
    const host = state.hosts.get(name);
    return host === undefined ? [] : [nodeCase(host, state)];
  });
  const verdicts = play.verdicts.map(({ wave, hosts, verdict, reason }): Case => {
    const base = { name: judgedNodes(wave, hosts), timeMs: 0 };
    if (verdict === 'failed') return { ...base, trouble: { kind: 'failure', message: reason } };
    return verdict === 'skipped' ? { ...base, trouble: { kind: 'skipped', message: reason } } : base;
  });
  const checks = play.checks.map(({ check, hosts, phase, outcome, message, isDryRun }): Case => {
    const base = { name: `check ${check} for ${formatHosts(hosts, 3)}, ${phase.replace('_', '-')}`, timeMs: 0 };
    if (outcome === 'passed') return base;
    return { ...base, trouble: { kind: outcome === 'failed' && !isDryRun ? 'failure' : 'skipped', message } };
  });
  return [...nodes, ...verdicts, ...checks, ...play.gates.map((gate) => gateCase(gate, state))];
}

function gateCase({ gate, startedAtMs, end }: GateState, { lastAtMs }: RunState): Case {
  const base = { name: `gate ${gate}`, timeMs: (end?.atMs ?? lastAtMs) - startedAtMs };
  if (end === undefined) return { ...base, trouble: { kind: 'skipped', message: 'the run ended before its gate' } };
  if (end.ok) return base;
  return { ...base, trouble: { kind: 'failure', message: end.message, text: end.output.join('\n') } };
}

function nodeCase(host: HostState, { outcome }: RunState): Case {
  const result = host.result ?? derivedResult(host);
  const base = { name: host.host, timeMs: host.durationMs ?? 0 };
  if (host.failure !== undefined) return { ...base, trouble: failureOf(host.failure, host) };
  const message = host.message ?? result;
  // A rollback that was asked for has done what it should.
  if (result === 'restored' && outcome === 'changed') return base;
  switch (result) {
    case 'updated':
    case 'unchanged':
      return base;
    case 'unreachable':
      return { ...base, trouble: { kind: 'error', message } };
    case 'failed':
    case 'restored':
      return { ...base, trouble: { kind: 'failure', message } };
    case 'untouched':
      return { ...base, trouble: { kind: 'skipped', message: 'the run ended before its turn' } };
  }
}

function failureOf({ op, message, logs, next }: Failure, host: HostState): NonNullable<Case['trouble']> {
  const advice = host.next ?? next;
  const lines = [`${op.text} (${op.cause})`, ...logs, ...(advice === undefined ? [] : [`next: ${advice}`])];
  return { kind: 'failure', message: `${op.text}: ${message}`, text: lines.join('\n') };
}

function caseLines({ name, timeMs, trouble }: Case, suite: string): string[] {
  const head = `    <testcase classname="${xml(suite)}" name="${xml(name)}" time="${seconds(timeMs)}"`;
  if (trouble === undefined) return [`${head}/>`];
  const { kind, message, text = '' } = trouble;
  const type = kind === 'skipped' ? '' : ` type="${kind}"`;
  const tag = `      <${kind} message="${xml(message)}"${type}`;
  return [`${head}>`, text === '' ? `${tag}/>` : `${tag}>${xml(text)}</${kind}>`, '    </testcase>'];
}

function totals(cases: readonly Case[]): string {
  const of = (kind: string): number => cases.filter(({ trouble }) => trouble?.kind === kind).length;
  return `tests="${cases.length}" failures="${of('failure')}" errors="${of('error')}" skipped="${of('skipped')}"`;
}

function runMs({ durationMs, lastAtMs, startedAtMs }: RunState): number {
  return durationMs ?? lastAtMs - startedAtMs;
}

function sumMs(cases: readonly Case[]): number {
  return cases.reduce((sum, { timeMs }) => sum + timeMs, 0);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
};

/** Sanitised, so that nothing is left that XML cannot hold. */
function xml(text: string): string {
  return sanitize(text, { keepLines: true }).replace(/[&<>"\n]/g, (character) => entities[character] ?? character);
}
