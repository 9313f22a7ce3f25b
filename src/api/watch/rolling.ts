import { exitCodes } from '../../events/exit-code.ts';
import { groupAlike } from '../../model/alike.ts';
import type { Facts } from '../../model/host.ts';
import { openingAt } from '../../plan/timetable.ts';
import { decideWatch, nextLookMs, type WatchedTag } from '../../plan/watch.ts';
import type { Surroundings } from '../surroundings.ts';
import type { ImageAges } from './ages.ts';
import { finishAttempt, rollOut, type AttemptEnd, type AttemptInput } from './attempt.ts';
import { readFleet, type WatchedFleet } from './fleet.ts';
import type { ReloadingPlaybook } from './playbook.ts';
import type { TagLook } from './registries.ts';
import type { WatchSpeaker } from './speaker.ts';
import { runningDigests, type UsedTag } from './tags.ts';

/** What the runs of a watch need. */
export interface RollingParts extends Pick<Surroundings, 'clock' | 'random'> {
  readonly speaker: WatchSpeaker;
  readonly source: ReloadingPlaybook;
  readonly ages: ImageAges;
  readonly attempts: AttemptInput;
  /** What backing off goes by. */
  readonly everyMs: number;
  readonly minAgeMs: number;
}

/** From a tag that has moved to the end of its run, and what is remembered of that. */
export class Rolling {
  readonly #parts: RollingParts;
  #facts: ReadonlyMap<string, Facts> = new Map();
  /** Runs in a row that touched nothing. */
  #failures = 0;
  #notBeforeMs = -Infinity;

  constructor(parts: RollingParts) {
    this.#parts = parts;
  }

  /** Of every host that has been read by now. */
  get facts(): ReadonlyMap<string, Facts> {
    return this.#facts;
  }

  /** False for a while after a run that touched nothing. */
  get mayRun(): boolean {
    return this.#parts.clock.now() >= this.#notBeforeMs;
  }

  /** Goes on with a run whose end was not seen. Undefined: nothing keeps the watch from looking for changes. */
  async goOn(): Promise<number | undefined> {
    const { attempts } = this.#parts;
    const { memory } = attempts;
    const { attempt } = memory;
    if (attempt === undefined) return undefined;
    if (!this.mayRun) return exitCodes.locked;
    if (this.#isClosed()) return exitCodes.paused;
    const end = await finishAttempt(attempts);
    if (end === undefined) return undefined;
    const code = this.#conclude(end);
    // Still half way: it is that run's turn again.
    const isRefused = end.verdict.kind === 'again' && end.exitCode !== exitCodes.usage;
    if (isRefused) memory.begin(attempt);
    return isRefused || isLeftOpen(end) ? code : undefined;
  }

  /** @returns the exit code; undefined where there is nothing to roll out after all */
  async rollOut(used: readonly UsedTag[], looks: ReadonlyMap<string, TagLook>): Promise<number | undefined> {
    const { clock, minAgeMs, speaker, attempts } = this.#parts;
    if (this.#isClosed()) return exitCodes.paused;
    const fleet = await this.readFleet();
    if (fleet === undefined) {
      this.#backOff();
      return exitCodes.unreachable;
    }
    for (const [digest, { run, atMs }] of fleet.bad) attempts.memory.markBad([digest], run, atMs);
    const watched = used.map((each) => this.#watchedTag(each, looks.get(each.tag), fleet));
    const { changes, held, pins, blocked } = decideWatch(watched, { nowMs: clock.now(), minAgeMs });
    for (const hold of held) speaker.hold({ ...hold, ...this.#badRun(hold.digest) });
    const bad = held.filter(({ reason }) => reason === 'bad').map(({ tag }) => tag);
    const changing = new Set(changes.map(({ tag }) => tag));
    for (const { tag, seen } of watched) {
      const isCurrent = pins.get(tag) === seen && !changing.has(tag);
      if (seen !== undefined && (isCurrent || bad.includes(tag))) attempts.memory.settle(tag, seen);
    }
    attempts.memory.save();
    if (changes.length === 0) return undefined;
    const subject = 'the fleet';
    if (blocked.length > 0) {
      const message = `no run is possible without ${blocked.join(', ')}: no host runs an earlier image of it`;
      speaker.trouble(subject, message, this.#backOff());
      return exitCodes.unreachable;
    }
    speaker.recovered(subject);
    speaker.say({ type: 'watch_changed', changes });
    return this.#conclude(await rollOut(changes, pins, attempts));
  }

  /** Undefined, and said, where no host can be read. */
  async readFleet(): Promise<WatchedFleet | undefined> {
    const { source, speaker } = this.#parts;
    const fleet = await readFleet(source.opened);
    this.#facts = new Map([...this.#facts, ...fleet.facts]);
    const subject = 'the hosts';
    if (fleet.facts.size > 0) {
      speaker.recovered(subject);
      return fleet;
    }
    speaker.trouble(subject, source.opened.redactor.redact(groupAlike(fleet.troubles).join('\n')));
    return undefined;
  }

  /** Said once: outside its window, and in a freeze, nothing is rolled out. */
  #isClosed(): boolean {
    const { source, speaker, clock } = this.#parts;
    const subject = 'the window';
    const opening = openingAt(source.opened.playbook.timetable, clock.now());
    if (opening.isOpen) speaker.recovered(subject);
    else speaker.trouble(subject, `${opening.reason}; ${opening.next}`);
    return !opening.isOpen;
  }

  #badRun(digest: string): { readonly run?: string } {
    const run = this.#parts.attempts.memory.badRun(digest);
    return run === undefined ? {} : { run };
  }

  #watchedTag(used: UsedTag, look: TagLook, { running, facts }: WatchedFleet): WatchedTag {
    const { ages, attempts, clock } = this.#parts;
    const { memory } = attempts;
    const seen = look !== undefined && 'digest' in look ? look.digest : undefined;
    const nowMs = clock.now();
    return {
      tag: used.tag,
      seen,
      createdMs: seen === undefined ? undefined : ages.known(seen),
      firstSeenMs: seen === undefined ? nowMs : memory.see(used.tag, seen, nowMs).sinceMs,
      running: runningDigests(used, running, new Set(facts.keys())),
      isBad: seen !== undefined && memory.badRun(seen) !== undefined,
    };
  }

  /** Remembers how a run ended. @returns its exit code */
  #conclude({ run, exitCode, verdict, changes, message }: AttemptEnd): number {
    const { attempts, clock, speaker } = this.#parts;
    const { memory } = attempts;
    const bad = verdict.kind === 'bad' ? verdict.digests : [];
    if (run !== undefined) memory.markBad(bad, run, clock.now());
    for (const { tag, to } of changes)
      if (verdict.kind === 'done' || verdict.kind === 'paused' || bad.includes(to)) memory.settle(tag, to);
    if (!isLeftOpen({ verdict })) memory.end();
    const nextMs = verdict.kind === 'again' ? this.#backOff() : undefined;
    if (nextMs === undefined) this.#failures = 0;
    speaker.say({
      type: 'watch_ran',
      run,
      exitCode,
      verdict: verdict.kind,
      bad,
      ...(message === undefined ? {} : { message }),
      ...(nextMs === undefined ? {} : { nextMs }),
    });
    return exitCode;
  }

  /** @returns when the next run may be tried */
  #backOff(): number {
    const { clock, random, everyMs } = this.#parts;
    this.#failures += 1;
    this.#notBeforeMs = clock.now() + nextLookMs(everyMs, { failures: this.#failures, random: random() });
    return this.#notBeforeMs;
  }
}

/** Half way, with nobody to wait for: it is gone on with. */
function isLeftOpen({ verdict }: Pick<AttemptEnd, 'verdict'>): boolean {
  return verdict.kind === 'interrupted' || verdict.kind === 'closed';
}
