/** Runs from code: what the command line tool calls. Nothing here writes to a terminal or ends the process. */
export { Interrupted } from '../engine/interrupt.ts';
export { RunRefused } from '../engine/context.ts';
export type { Event, EventBody, HostResult, Outcome } from '../events/event.ts';
export { exitCodes } from '../events/exit-code.ts';
export { ConfigError, type Problem } from '../model/problem.ts';
export type { Plan, PlayPlan, NodePlan } from '../plan/plan.ts';
export { formatPlan } from '../render/plan-text.ts';
export { listRuns, readRun, RunNotFoundError } from '../store/runs.ts';
export { exitCodeOf } from './exit-code-of.ts';
export { resumeRun, type ResumeOptions } from './resume.ts';
export { runPausedByWindow } from './paused-run.ts';
export { steerRun } from './steer.ts';
export { openRollback } from './rollback.ts';
export { openRun, Run, type RunOptions, type RunOutcome, type StartOptions } from './run.ts';
