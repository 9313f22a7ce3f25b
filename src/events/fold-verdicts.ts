import type { EventOf, Judgement } from './event.ts';
import { changePlay, type MutableRun } from './fold-state.ts';
import type { CheckState, GateState, JudgedNodes } from './run-state.ts';

export function finishBake(state: MutableRun, event: EventOf<'bake_finished'>): void {
  const { play, hosts, wave = 'canary' } = event;
  const newest = state.plays.find((each) => each.play === play)?.bake;
  // One that was skipped has no beginning, and the newest one may be of an earlier wave.
  const begun = newest?.verdict === undefined ? newest : undefined;
  delete state.wait;
  const judgement = judgementOf(event);
  changePlay(state, play, {
    bake: {
      wave,
      hosts,
      bakeMs: begun?.bakeMs ?? 0,
      startedAtMs: begun?.startedAtMs ?? event.at,
      ...judgement,
    },
  });
  addVerdict(state, play, { wave, hosts, ...judgement });
}

export function judgementOf(event: EventOf<'bake_finished' | 'fan_out_judged'>): Judgement {
  const { verdict, reason, canary, peers, before, detectableRatio } = event;
  return {
    verdict,
    reason,
    ...(canary === undefined ? {} : { canary }),
    ...(peers === undefined ? {} : { peers }),
    ...(before === undefined ? {} : { before }),
    ...(detectableRatio === undefined ? {} : { detectableRatio }),
  };
}

export function addVerdict(state: MutableRun, play: string, verdict: JudgedNodes): void {
  const verdicts = state.plays.find((each) => each.play === play)?.verdicts ?? [];
  changePlay(state, play, { verdicts: [...verdicts, verdict] });
}

/** The newest answer of each check, for each phase and host that it is asked for. */
export function noteCheck(state: MutableRun, event: EventOf<'check_result'>): void {
  const { play, check, hosts, phase, outcome, message, failures, failureLimit, dryRun = false } = event;
  const found = state.plays.find((each) => each.play === play);
  const key = (each: Pick<CheckState, 'check' | 'phase' | 'hosts'>): string =>
    [each.check, each.phase, each.hosts[0]].join(' ');
  const next: CheckState = { check, hosts, phase, outcome, message, failures, failureLimit, isDryRun: dryRun };
  const others = (found?.checks ?? []).filter((each) => key(each) !== key(next));
  changePlay(state, play, { checks: [...others, next] });
}

export function askGate(state: MutableRun, event: EventOf<'gate_started'>): void {
  const { play, gate, hosts, at } = event;
  delete state.wait;
  addGate(state, play, { gate, hosts, startedAtMs: at }, []);
}

export function finishGate(state: MutableRun, event: EventOf<'gate_finished'>): void {
  const { play, gate, hosts, ok, message, output, durationMs, at } = event;
  delete state.wait;
  const asked = (state.plays.find((each) => each.play === play)?.gates ?? []).filter(({ end }) => end === undefined);
  const startedAtMs = asked[0]?.startedAtMs ?? at - durationMs;
  addGate(state, play, { gate, hosts, startedAtMs, end: { atMs: at, ok, message, output } }, asked);
}

/** @param replaced those whose end this is */
function addGate(state: MutableRun, play: string, gate: GateState, replaced: readonly GateState[]): void {
  const gates = state.plays.find((each) => each.play === play)?.gates ?? [];
  changePlay(state, play, { gates: [...gates.filter((each) => !replaced.includes(each)), gate] });
}
