import { exitCodes } from '../../events/exit-code.ts';
import type { Event } from '../../events/event.ts';
import type { WatchEvent } from '../../events/watch-event.ts';
import { formatMetrics } from './metrics.ts';
import { metricLines } from './prometheus.ts';

/** What a watch leaves for Prometheus' textfile collector: its checks and runs since it began, and its last run. */
export class WatchMetrics {
  readonly #labels: { readonly playbook: string };
  #run: Event[] = [];
  #lastRun = '';
  #started = 0;
  #failed = 0;
  #skipped = 0;
  #changedAtMs: number | undefined;
  #checked: { readonly atMs: number; readonly isGood: boolean } | undefined;

  constructor(playbook: string) {
    this.#labels = { playbook };
  }

  /** `isGood`: every tag could be looked at. */
  noteCheck(atMs: number, isGood: boolean): void {
    this.#checked = { atMs, isGood };
  }

  noteRun(event: Event): void {
    this.#run.push(event);
  }

  /** @returns whether the file is to be written anew */
  note(event: WatchEvent): boolean {
    switch (event.type) {
      case 'watch_changed':
        this.#changedAtMs = event.at;
        this.#begin();
        return true;
      case 'watch_resumed':
        this.#begin();
        return true;
      case 'watch_ran':
        if (isFailure(event.exitCode)) this.#failed += 1;
        if (this.#run.length > 0) this.#lastRun = formatMetrics(this.#run);
        this.#run = [];
        return true;
      case 'watch_held':
        if (event.hold.reason === 'bad') this.#skipped += 1;
        return true;
      default:
        return false;
    }
  }

  format(): string {
    const gauge = metricLines('gauge', this.#labels);
    const counter = metricLines('counter', this.#labels);
    const seconds = (atMs: number | undefined) => (atMs === undefined ? [] : [{ value: atMs / 1000 }]);
    return [
      ...gauge('watch_check_timestamp_seconds', 'When the tags were last looked at.', seconds(this.#checked?.atMs)),
      ...gauge(
        'watch_check_success',
        'Whether every tag could be looked at then.',
        this.#checked === undefined ? [] : [{ value: this.#checked.isGood ? 1 : 0 }],
      ),
      ...gauge(
        'watch_change_timestamp_seconds',
        'When a tag was last found to have a new image to roll out.',
        seconds(this.#changedAtMs),
      ),
      ...counter('watch_runs_started_total', 'Runs since the watch began.', [{ value: this.#started }]),
      ...counter('watch_runs_failed_total', 'Runs since the watch began that failed.', [{ value: this.#failed }]),
      ...counter('watch_images_skipped_total', 'Images not rolled out since they had been sent back before.', [
        { value: this.#skipped },
      ]),
      this.#lastRun,
    ].join('\n');
  }

  #begin(): void {
    this.#started += 1;
    this.#run = [];
  }
}

/** Not one that waits for its window, for a person or for another run, and none that was interrupted. */
function isFailure(exitCode: number): boolean {
  const waits: readonly number[] = [exitCodes.done, exitCodes.locked, exitCodes.paused, exitCodes.interrupted];
  return !waits.includes(exitCode);
}
