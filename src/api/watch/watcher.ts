import { exitCodes } from '../../events/exit-code.ts';
import type { WatchEvent } from '../../events/watch-event.ts';
import { RunRefused } from '../../engine/context.ts';
import { ConfigError } from '../../model/problem.ts';
import { holdOf, nextLookMs } from '../../plan/watch.ts';
import { journalDir } from '../../store/journal.ts';
import { watchStateFile } from '../../store/watch-state.ts';
import { wordsOf } from '../composition/access.ts';
import { reasonOf } from '../reason.ts';
import { recordExtraVars } from '../extra-vars-record.ts';
import { defaultOptions, given, playbookOptionsOf, type ConnectionOptions, type PlaybookOptions } from '../options.ts';
import type { RunHooks } from '../open.ts';
import { systemSurroundings, type Surroundings } from '../surroundings.ts';
import { ImageAges } from './ages.ts';
import type { Roll } from './attempt.ts';
import { WatchMemory } from './memory.ts';
import { ReloadingPlaybook } from './playbook.ts';
import { WatchedRegistries, type TagLook } from './registries.ts';
import { Rolling } from './rolling.ts';
import { WatchSpeaker } from './speaker.ts';
import { tagsInUse, type UsedTag } from './tags.ts';

/** How a playbook is watched. */
export interface WatchOptions
  extends Partial<PlaybookOptions>, Partial<ConnectionOptions>, Partial<Surroundings>, Omit<RunHooks, 'onEvent'> {
  /** Between two looks; undefined: one look. Milliseconds. */
  readonly everyMs: number | undefined;
  /** A new image is rolled out when it is so old. Milliseconds. */
  readonly minAgeMs: number;
  /** Aborted: the watch ends after its run, or at once where there is none. */
  readonly signal: AbortSignal;
  /** What it does between its runs. */
  readonly onWatchEvent: (event: WatchEvent) => void;
  /** Shows and starts a run. */
  readonly roll: Roll;
  /** Hears of each look when it has ended, and before the run that it leads to. `isGood`: every tag could be looked at. */
  readonly onLook?: (atMs: number, isGood: boolean) => void;
}

/** What backing off goes by where there is one look only. */
const defaultEveryMs = 60_000;

/**
 * Looks at the tags that a playbook uses, and rolls out what they stand for when that changes. @returns the exit code
 * @throws ConfigError at its beginning
 */
export async function watchPlaybook(playbook: string, options: WatchOptions): Promise<number> {
  const all = { ...defaultOptions, ...systemSurroundings(), ...given(options) };
  const { clock, env, cwd, onWatchEvent } = all;
  const speaker = new WatchSpeaker(clock, onWatchEvent);
  const journals = journalDir(env, cwd);
  const source = await ReloadingPlaybook.open(playbook, all);
  const extraVars = await recordExtraVars(all.extraVars, source.path);
  const what = { file: source.path, ...playbookOptionsOf(all), extraVars };
  const memory = await WatchMemory.open(watchStateFile(journals, { ...what, cwd }), (message) =>
    speaker.trouble('the state of this watch', message),
  );
  try {
    return await new Watcher(playbook, all, { speaker, source, memory, journals }).watch();
  } finally {
    await source.close();
  }
}

type AllOptions = WatchOptions & PlaybookOptions & ConnectionOptions & Surroundings;

class Watcher {
  readonly #playbook: string;
  readonly #options: AllOptions;
  readonly #speaker: WatchSpeaker;
  readonly #source: ReloadingPlaybook;
  readonly #memory: WatchMemory;
  readonly #registries: WatchedRegistries;
  readonly #ages: ImageAges;
  readonly #rolling: Rolling;

  constructor(
    playbook: string,
    options: AllOptions,
    parts: { speaker: WatchSpeaker; source: ReloadingPlaybook; memory: WatchMemory; journals: string },
  ) {
    const { speaker, source, memory, journals } = parts;
    const {
      roll,
      signal: _,
      onWatchEvent: __,
      onLook: ___,
      everyMs = defaultEveryMs,
      minAgeMs,
      ...runOptions
    } = options;
    this.#playbook = playbook;
    this.#options = options;
    this.#speaker = speaker;
    this.#source = source;
    this.#memory = memory;
    this.#registries = new WatchedRegistries(options.random);
    this.#ages = new ImageAges(minAgeMs);
    const attempts = { playbook, options: runOptions, journals, memory, roll, emit: speaker.say };
    const { clock, random } = options;
    this.#rolling = new Rolling({ clock, random, speaker, source, ages: this.#ages, attempts, everyMs, minAgeMs });
  }

  async watch(): Promise<number> {
    const { everyMs, minAgeMs, signal, clock, random } = this.#options;
    const every = everyMs === undefined ? {} : { everyMs };
    const playbook = this.#playbook;
    this.#speaker.say({ type: 'watch_started', playbook, tags: this.#tagsAtStart(), ...every, minAgeMs });
    for (;;) {
      const code = await this.#look();
      if (everyMs === undefined) return code;
      if (!signal.aborted)
        await clock.sleep(nextLookMs(everyMs, { failures: 0, random: random() }), signal).catch(() => undefined);
      if (signal.aborted) {
        this.#speaker.say({ type: 'watch_stopped', by: wordsOfSignal(signal) });
        return code === exitCodes.interrupted ? code : exitCodes.done;
      }
    }
  }

  /** @throws RunRefused where there is none */
  #tagsAtStart(): readonly string[] {
    const { playbook } = this.#source.opened;
    if (playbook.images === 'push')
      throw new RunRefused(
        exitCodes.usage,
        `${playbook.file} sends its images (images: push): no registry is to be watched`,
      );
    const { tags, needsFacts } = tagsInUse(playbook, this.#rolling.facts);
    if (tags.length > 0 || needsFacts) return tags.map(({ tag }) => tag);
    throw new RunRefused(exitCodes.usage, 'there is nothing to watch: no service takes its image by a tag', [
      'An image with a digest never changes, and a service with pull_policy other than always takes what its host has.',
    ]);
  }

  /** One look, and the run that it leads to. @returns what `--once` ends with */
  async #look(): Promise<number> {
    const attempted = await this.#rolling.goOn();
    if (attempted !== undefined) return attempted;
    const refreshed = await this.#refresh();
    const used = await this.#tagsNow();
    if (used === undefined) {
      this.#tellLook(exitCodes.unreachable);
      return exitCodes.unreachable;
    }
    const looks = await this.#registries.look(used, this.#source.opened.registry, {
      nowMs: this.#options.clock.now(),
      everyMs: this.#options.everyMs ?? defaultEveryMs,
    });
    const asked = this.#sayTroubles(used, looks);
    const moved = await this.#moved(used, looks);
    this.#memory.keepOnly(used.map(({ tag }) => tag));
    this.#memory.save();
    this.#speaker.looked(used.length);
    this.#tellLook(asked ?? refreshed);
    const mayRun = moved && !this.#options.signal.aborted && this.#rolling.mayRun;
    return (mayRun ? await this.#rolling.rollOut(used, looks) : undefined) ?? asked ?? refreshed;
  }

  #tellLook(code: number): void {
    const { clock, onLook } = this.#options;
    onLook?.(clock.now(), code === exitCodes.done);
  }

  async #refresh(): Promise<number> {
    const subject = 'the playbook';
    try {
      await this.#source.refresh();
      this.#speaker.recovered(subject);
      return exitCodes.done;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const { message, details } = reasonOf(error);
      this.#speaker.trouble(subject, [message, ...details].join('\n'));
      return exitCodes.usage;
    }
  }

  /** Undefined where hosts have to tell their facts first, and do not. */
  async #tagsNow(): Promise<readonly UsedTag[] | undefined> {
    const { playbook } = this.#source.opened;
    const found = tagsInUse(playbook, this.#rolling.facts);
    if (!found.needsFacts) return found.tags;
    await this.#rolling.readFleet();
    const again = tagsInUse(playbook, this.#rolling.facts);
    return again.needsFacts && again.tags.length === 0 ? undefined : again.tags;
  }

  /** @returns why not every tag could be looked at; undefined where each could */
  #sayTroubles(used: readonly UsedTag[], looks: ReadonlyMap<string, TagLook>): number | undefined {
    let code: number | undefined;
    for (const { tag, image } of used) {
      const look = looks.get(tag);
      if (look === undefined) continue;
      if ('digest' in look) {
        this.#speaker.recovered(tag);
        continue;
      }
      const { trouble } = look;
      const isPassing = trouble.kind === 'unreachable' || trouble.kind === 'slow' || trouble.kind === 'rate_limited';
      code = isPassing ? exitCodes.unreachable : (code ?? exitCodes.usage);
      const message = this.#source.opened.redactor.redact(wordsOf(trouble));
      this.#speaker.trouble(tag, message, this.#registries.untilMs(image.registry));
    }
    return code;
  }

  /** Whether a tag stands for something else than what was dealt with, and that is old enough. */
  async #moved(used: readonly UsedTag[], looks: ReadonlyMap<string, TagLook>): Promise<boolean> {
    const { clock, minAgeMs } = this.#options;
    const { registry } = this.#source.opened;
    const nowMs = clock.now();
    let moved = false;
    for (const each of used) {
      const look = looks.get(each.tag);
      if (look === undefined || 'trouble' in look) continue;
      const { isSettled, sinceMs } = this.#memory.see(each.tag, look.digest, nowMs);
      if (isSettled) continue;
      const createdMs = await this.#ages.ask(each, look.digest, registry);
      const age = { tag: each.tag, isBad: false, createdMs, firstSeenMs: sinceMs };
      const hold = holdOf(age, look.digest, { nowMs, minAgeMs });
      if (hold === undefined) moved = true;
      else this.#speaker.hold(hold);
    }
    return moved;
  }
}

function wordsOfSignal({ reason }: AbortSignal): string {
  return reason instanceof Error ? reason.message : String(reason);
}
