import { createHash } from 'node:crypto';
import type { Event, EventOf } from '../../events/event.ts';
import { exitCodes } from '../../events/exit-code.ts';
import { speaksOfImages, suspectImages } from '../../events/suspects.ts';
import type { BadImages, KeptRun } from './kept-run.ts';

type Plays = Record<string, KeptRun['plays'][string]>;

/** What each host is to keep of a run, from the run's events, which hold no secret. */
export class RunKeeper {
  #started: EventOf<'run_started'> | undefined;
  #planned: EventOf<'plan_ready'> | undefined;
  #finished: EventOf<'run_finished'> | undefined;
  readonly #hosts = new Map<string, Plays>();
  /** Names of waves, and of what else has held, by play. */
  readonly #held = new Map<string, Set<string>>();
  /** What speaks for or against images. */
  readonly #telling: Event[] = [];

  /** @returns the hosts that have something new to keep */
  apply(event: Event): readonly string[] {
    if (speaksOfImages(event)) this.#telling.push(event);
    switch (event.type) {
      case 'run_started':
        this.#begin(event);
        return [];
      case 'plan_ready':
        this.#planned = event;
        return [];
      case 'node_started':
        return this.#note(event.host, event.play, 'started');
      case 'node_done':
        return this.#hosts.has(event.host) ? this.#note(event.host, event.play, event.result) : [];
      case 'node_failed':
        return this.#note(event.host, this.#lastPlay(event.host), 'failed');
      case 'node_restored':
        return event.serving ? this.#note(event.host, this.#lastPlay(event.host), 'restored') : [];
      case 'bake_finished':
        return event.verdict === 'failed' ? [] : this.#hold(event.play, event.wave ?? 'canary');
      case 'gate_finished':
        return event.ok ? this.#hold(event.play, 'gate') : [];
      case 'run_finished':
        this.#finished = event;
        return [...this.#hosts.keys()];
      default:
        return [];
    }
  }

  /** What a host keeps of it; undefined before it was begun there. */
  runOn(host: string): KeptRun | undefined {
    const started = this.#started;
    const plays = this.#hosts.get(host);
    if (started === undefined || plays === undefined) return undefined;
    const { run, at, command, playbook, composition, user, controller = '?', rollbackTo, resumed } = started;
    const { images = {}, components = {}, undoes } = this.#planned ?? {};
    const given = started.extraVars?.given;
    const first = resumed?.first ?? resumed?.run;
    return {
      v: 1,
      run,
      host,
      command,
      playbook,
      user,
      controller,
      startedAtMs: at,
      images: { ...images },
      components: Object.fromEntries(Object.entries(components).map(([name, all]) => [name, [...all]])),
      plays: Object.fromEntries(
        Object.entries(plays).map(([play, { result }]) => [play, { result, held: [...(this.#held.get(play) ?? [])] }]),
      ),
      selection: selectionHash(started.options ?? {}),
      ...(composition === undefined ? {} : { composition }),
      ...(given === undefined ? {} : { extraVars: [...given] }),
      ...(rollbackTo === undefined ? {} : { rollbackTo }),
      ...(undoes === undefined ? {} : { undoes }),
      ...(first === undefined ? {} : { first }),
      ...(command === 'rollback' || resumed?.isRollback === true ? { isRollback: true as const } : {}),
      ...this.#ending(),
    };
  }

  /** What no run should try again by itself: at the end of one that went back, or failed. */
  get bad(): BadImages | undefined {
    const { run, command } = this.#started ?? {};
    const { exitCode = exitCodes.done, at } = this.#finished ?? {};
    const isBad = exitCode === exitCodes.failed || exitCode === exitCodes.rolledBack;
    if (run === undefined || at === undefined || command === 'rollback' || !isBad || this.#hosts.size === 0)
      return undefined;
    const images = suspectImages(this.#telling);
    return images.length === 0 ? undefined : { v: 1, run, atMs: at, images: [...images] };
  }

  #begin(event: EventOf<'run_started'>): void {
    this.#started = event;
    for (const [play, hosts] of Object.entries(event.resumed?.finished ?? {}))
      for (const host of hosts) this.#note(host, play, 'updated');
    for (const [play, waves] of Object.entries(event.resumed?.baked ?? {})) this.#held.set(play, new Set(waves));
  }

  #note(host: string, play: string, result: Plays[string]['result']): readonly string[] {
    const plays = this.#hosts.get(host) ?? {};
    this.#hosts.set(host, plays);
    plays[play] = { result, held: [] };
    return [host];
  }

  #hold(play: string, wave: string): readonly string[] {
    this.#held.set(play, (this.#held.get(play) ?? new Set()).add(wave));
    return [...this.#hosts.keys()];
  }

  #lastPlay(host: string): string {
    return Object.keys(this.#hosts.get(host) ?? {}).at(-1) ?? '';
  }

  #ending(): Pick<KeptRun, 'outcome' | 'exitCode' | 'durationMs'> {
    if (this.#finished === undefined) return {};
    const { outcome, exitCode, durationMs } = this.#finished;
    return { outcome, exitCode, durationMs };
  }
}

/** What a run was limited to, so that whoever goes on with it can be told from one who would do more. */
export function selectionHash(options: Readonly<Record<string, unknown>>): string {
  const { limit = '', tags = [], skipTags = [] } = options;
  return createHash('sha256')
    .update(JSON.stringify([limit, tags, skipTags]))
    .digest('hex')
    .slice(0, 16);
}
