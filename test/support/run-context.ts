import type { RunContext } from '../../src/engine/context.ts';
import { Heartbeat } from '../../src/engine/heartbeat.ts';
import { Interrupt } from '../../src/engine/interrupt.ts';
import type { Emit } from '../../src/events/event.ts';
import type { Clock } from '../../src/model/clock.ts';

/** What a part of the engine needs of a run, on a clock of the test. */
export function runContext(clock: Clock, emit: Emit = () => undefined): RunContext {
  const heartbeat = new Heartbeat(clock, emit);
  return {
    run: 'r1',
    clock,
    startedMs: 0,
    emit: heartbeat.emit,
    heartbeat,
    interrupt: new Interrupt(clock),
    resumeCommand: 'rollout resume r1',
    forks: 9,
  };
}
