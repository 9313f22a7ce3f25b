/** A tag that is to be rolled out. */
export interface WatchChange {
  readonly tag: string;
  /** What hosts run by now, each digest once; none where the service is new. */
  readonly from: readonly string[];
  readonly to: string;
}

/** A tag whose new image is not rolled out, and why. */
export interface WatchHold {
  readonly tag: string;
  readonly digest: string;
  readonly reason: 'bad' | 'young';
  /** Of a young one: when it is old enough. Epoch milliseconds. */
  readonly untilMs?: number;
  /** Of a bad one: the run that was sent back, where it is known. */
  readonly run?: string;
}

/** What a watch does between its runs. Each is said once, not with every look. */
export type WatchEventBody =
  | {
      readonly type: 'watch_started';
      readonly playbook: string;
      readonly tags: readonly string[];
      /** Absent with `--once`. */
      readonly everyMs?: number;
      readonly minAgeMs: number;
    }
  | { readonly type: 'watch_held'; readonly hold: WatchHold }
  /** The run's own events follow. */
  | { readonly type: 'watch_changed'; readonly changes: readonly WatchChange[] }
  /** The run is over. `nextMs`: nothing was touched, and it is tried again then; epoch milliseconds. */
  | {
      readonly type: 'watch_ran';
      readonly run: string | undefined;
      readonly exitCode: number;
      readonly verdict: 'done' | 'bad' | 'again' | 'closed' | 'paused' | 'interrupted';
      /** Digests that are not tried again. */
      readonly bad: readonly string[];
      readonly message?: string;
      readonly nextMs?: number;
    }
  /** A run that was cut off is gone on with. */
  | { readonly type: 'watch_resumed'; readonly run: string }
  /** About a tag, hosts or the playbook: something keeps it from being looked at. */
  | { readonly type: 'watch_trouble'; readonly subject: string; readonly message: string; readonly nextMs?: number }
  | { readonly type: 'watch_recovered'; readonly subject: string }
  /** Now and then, while there is nothing else to say. */
  | { readonly type: 'watch_heartbeat'; readonly looks: number; readonly tags: number }
  | { readonly type: 'watch_stopped'; readonly by: string };

export type WatchEvent = WatchEventBody & {
  readonly v: 1;
  /** Milliseconds since the epoch. */
  readonly at: number;
};
