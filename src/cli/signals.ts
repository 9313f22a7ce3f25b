import { takeSignals } from '../boot/early-signals.ts';
import type { RunSetup } from './open-run.ts';

/** First signal: to a safe point; second: at once. */
export function listenForSignals({ context, emit }: RunSetup): { close(): void } {
  const { interrupt } = context;
  const listen = (signal: NodeJS.Signals): void => {
    if (interrupt.isOver) return;
    const isFirst = !interrupt.isRequested;
    interrupt.request();
    emit({
      type: 'warning',
      message: isFirst
        ? `${signal}: no further node starts, those under way are finished or put back; once more stops at once`
        : `${signal} again: stopping at once; the next run heals what is left half way`,
    });
  };
  return { close: takeSignals(listen) };
}
