import type { Holds } from '../engine/hold.ts';
import type { Interrupt } from '../engine/interrupt.ts';
import type { SteerReply, Steering } from '../store/control/protocol.ts';

/** The parts of a run that can be steered. */
interface Steered {
  readonly holds: Holds;
  readonly context: { readonly interrupt: Interrupt };
}

/** What each of them does to a run under way, and says of it. */
export const steerings: Readonly<Record<Steering, (run: Steered, by: string) => SteerReply>> = {
  promote: unlessOver(({ holds, context: { interrupt } }, by) => {
    if (interrupt.isRequested) return refused('it is about to stop, and promotes nothing any more');
    const promoted = holds.promote(by);
    return promoted.length === 0
      ? refused('nothing waits for promotion now: neither a bake nor a manual gate is under way')
      : { ok: true, message: `${promoted.join(', ')} goes on without waiting any longer` };
  }),
  pause: unlessOver(({ context: { interrupt } }) => {
    if (interrupt.isPause) return refused('it is about to pause already');
    if (interrupt.isRequested) return refused('it is about to stop already');
    interrupt.pause('an operator has paused it');
    return {
      ok: true,
      message: 'no further node starts, those under way are finished or put back, and the run pauses',
    };
  }),
  abort: unlessOver(({ context: { interrupt } }) => {
    const isAgain = interrupt.isRequested && !interrupt.isPause;
    interrupt.request();
    return { ok: true, message: stopWords(isAgain) };
  }),
};

export function stopWords(isAgain: boolean): string {
  return isAgain
    ? 'stopping at once; the next run heals what is left half way'
    : 'no further node starts, nodes under way are finished or put back; send it again to stop at once';
}

function unlessOver(work: (run: Steered, by: string) => SteerReply): (run: Steered, by: string) => SteerReply {
  return (run, by) => (run.context.interrupt.isOver ? refused('it has just ended') : work(run, by));
}

function refused(message: string): SteerReply {
  return { ok: false, message };
}
