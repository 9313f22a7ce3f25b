import pLimit from 'p-limit';
import { unreadable, type BalancerView } from '../balancer/view.ts';
import type { BalancerWatch } from '../balancer/watch.ts';
import { observeCommand, type Wanted } from '../docker/commands.ts';
import { DockerError } from '../docker/errors.ts';
import { labels } from '../docker/names.ts';
import { imageStoreOf, type Observed } from '../docker/observed.ts';
import { RegistryError } from '../docker/registry-error.ts';
import type { Host } from '../model/host.ts';
import { parseImageRef } from '../model/image.ts';
import type { Play } from '../model/play.ts';
import { ConfigError } from '../model/problem.ts';
import type { HostDesired, Service } from '../model/service.ts';
import { orderOf } from '../plan/order/table.ts';
import { contextOf, reconcile } from '../plan/reconcile.ts';
import type { HostFinding, LockFinding, PlayFinding, Unreachable } from '../plan/status-model.ts';
import { countTraffic, type Readings } from '../plan/traffic.ts';
import { RemoteError } from '../ssh/remote.ts';
import { openBalancer } from './balancer.ts';
import { RunRefused, type RunContext } from './context.ts';
import { Sessions, type FleetInput } from './fleet.ts';
import { completeSurvey, wantedOf } from './node.ts';
import { withHint } from './op-error.ts';
import { peek, surveyOf, type Surveying } from './peek.ts';
import type { HostSession } from './session.ts';

/** What one host says: its lock, and what it runs of each play. */
type Reading =
  | {
      readonly lock: LockFinding | undefined;
      readonly parts: ReadonlyMap<Play, Resolved & { readonly observed: Observed }>;
    }
  | Omit<Unreachable, 'host'>;

/** What a play wants of a host, with its tags resolved as far as somebody tells. */
interface Resolved {
  readonly desired: HostDesired;
  readonly troubles: readonly string[];
}

/** The balancer of a play, and what it said last. */
interface Watched {
  readonly watch: BalancerWatch | { readonly error: string } | undefined;
  readings: Readings;
  readAtMs: number;
}

/** Asks a host for its lock and its survey, and for whatever else whoever looks wants to know. @throws RemoteError, DockerError */
type ReadSurvey = (session: HostSession) => Promise<Surveying>;

/** Hears of what was found of a host for one of its plays, as soon as it is. */
type OnFound = (found: HostFinding) => void;

/**
 * Looks at a fleet without any write, again and again: a host that does not answer is a finding, as a balancer is that
 * cannot be read. It takes no lock, and goes with one command a host: the shorter one where no template needs the host's
 * facts, and nobody who looks wants its survey.
 */
export class FleetReader {
  readonly #input: FleetInput;
  readonly #context: RunContext;
  readonly #sessions: Sessions;
  readonly #watched = new Map<Play, Promise<Watched>>();
  readonly #readSurvey: ReadSurvey | undefined;

  constructor(input: FleetInput, context: RunContext, readSurvey?: ReadSurvey) {
    this.#input = input;
    this.#context = context;
    this.#readSurvey = readSurvey;
    this.#sessions = new Sessions(input, context.clock);
  }

  /** @throws ConfigError where a template cannot be rendered for a host */
  async look(onFound: OnFound = () => undefined): Promise<readonly PlayFinding[]> {
    const { plays } = this.#input.playbook;
    const limit = pLimit(this.#context.forks);
    const readings = new Map<string, Promise<Reading>>();
    for (const play of plays) {
      for (const host of play.hosts) {
        const own = plays.filter(({ hosts }) => hosts.some(({ name }) => name === host.name));
        if (!readings.has(host.name)) {
          const reading = limit(() => this.#read(host, own));
          // Whoever asks for it hears of what went wrong.
          reading.catch(() => undefined);
          readings.set(host.name, reading);
        }
      }
    }
    return Promise.all(plays.map((play) => this.#lookAt(play, readings, onFound)));
  }

  /** The connection to a host, opened where it is not yet. @throws RemoteError */
  session(host: Host): Promise<HostSession> {
    return this.#sessions.open(host);
  }

  /** The balancer of a play that was looked at; undefined where there is none, or it cannot be reached. */
  async balancerOf(play: Play): Promise<BalancerWatch | undefined> {
    const watch = (await this.#watched.get(play))?.watch;
    return watch === undefined || 'error' in watch ? undefined : watch;
  }

  async close(): Promise<void> {
    for (const watched of this.#watched.values()) {
      const { watch } = await watched;
      if (watch !== undefined && !('error' in watch)) watch.close();
    }
    await this.#sessions.close();
  }

  async #lookAt(play: Play, readings: ReadonlyMap<string, Promise<Reading>>, onFound: OnFound): Promise<PlayFinding> {
    const servers = this.#input.playbook.serverNames(play).filter((name) => name !== undefined);
    let watched = this.#watched.get(play);
    if (watched === undefined) this.#watched.set(play, (watched = this.#watch(play, servers)));
    const finding = Promise.all(
      play.hosts.map(async (host): Promise<HostFinding> => {
        const reading = await readings.get(host.name);
        if (reading === undefined) throw new Error(`host ${host.name} was not read`);
        const found = this.#find(host, play, reading);
        onFound(found);
        return found;
      }),
    );
    // The balancer that is asked beside them may be what fails first.
    finding.catch(() => undefined);
    const before = await watched;
    // One that could not be reached is tried anew the next time.
    if (before.watch !== undefined && 'error' in before.watch) this.#watched.delete(play);
    const hosts = await finding;
    const { view, ...counted } = await this.#traffic(before);
    return { play: play.name, hosts, view, servers, ...counted };
  }

  async #watch(play: Play, servers: readonly string[]): Promise<Watched> {
    const { clock } = this.#context;
    try {
      const watch = await openBalancer(play, servers, (host) => this.#sessions.open(host), this.#context);
      const view = await watch?.fresh();
      return {
        watch,
        readings: view === undefined ? new Map() : countTraffic(new Map(), view).readings,
        readAtMs: clock.now(),
      };
    } catch (error) {
      if (!(error instanceof RunRefused)) throw error;
      return { watch: { error: error.message }, readings: new Map(), readAtMs: clock.now() };
    }
  }

  async #traffic(
    watched: Watched,
  ): Promise<Pick<PlayFinding, 'view' | 'counted' | 'countedMs'> & { view: BalancerView | undefined }> {
    const nowMs = this.#context.clock.now();
    const { watch } = watched;
    if (watch === undefined) return { view: undefined, counted: [], countedMs: 0 };
    if ('error' in watch) {
      const readings = [{ balancer: 'balancer', error: watch.error }];
      return { view: { atMs: nowMs, readings }, counted: [], countedMs: 0 };
    }
    const view = await watch.fresh();
    const { readings, counted } = countTraffic(watched.readings, view);
    const countedMs = nowMs - watched.readAtMs;
    if (unreadable(view) === undefined) Object.assign(watched, { readings, readAtMs: nowMs });
    return { view, counted, countedMs };
  }

  /** One host, for every play that it is in. */
  async #read(host: Host, plays: readonly Play[]): Promise<Reading> {
    try {
      const session = await this.#sessions.open(host);
      return await this.#readSession(session, plays);
    } catch (error) {
      if (!(error instanceof RemoteError || error instanceof DockerError)) throw error;
      // The next look tries anew.
      this.#sessions.forget(host);
      return { reason: error.kind, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
    }
  }

  async #readSession(session: HostSession, plays: readonly Play[]): Promise<Reading> {
    if (this.#readSurvey !== undefined) return this.#readWithFacts(session, plays, this.#readSurvey);
    const known = plays.map((play) => [play, this.#desiredWithoutFacts(play, session.host)] as const);
    const desired = known.flatMap(([play, wanted]) => (wanted === undefined ? [] : [[play, wanted] as const]));
    if (desired.length < plays.length) return this.#readWithFacts(session, plays, surveyOf);
    const wanted = allOf(desired.map(([play, each]) => wantedOf(each, orderOf(play.strategy))));
    const { lock, rest } = await peek(session, observeCommand(wanted));
    const observed = session.docker.readObserved(rest, wanted);
    const parts = desired.map(async ([play, each]) => {
      // What a tag means on the host was read with everything else.
      const resolved = await this.#resolve(session.host, each, observed, () => Promise.resolve(observed));
      return [play, { ...resolved, observed }] as const;
    });
    return { lock, parts: new Map(await Promise.all(parts)) };
  }

  async #readWithFacts(session: HostSession, plays: readonly Play[], read: ReadSurvey): Promise<Reading> {
    const { lock, survey } = await read(session);
    const parts = await Promise.all(
      plays.map(async (play) => {
        const wanted = this.#input.playbook.desired(play, session.host, survey.facts);
        const complete = async (desired: HostDesired): Promise<Observed> =>
          (await completeSurvey(survey, session, desired, orderOf(play.strategy))).observed;
        // What a tag means on the host is asked only where no registry tells: it is a docker process more.
        let asked: Promise<Observed> | undefined;
        const observe = (): Promise<Observed> => (asked ??= complete(wanted));
        const resolved = await this.#resolve(session.host, wanted, survey.observed, observe);
        return [play, { ...resolved, observed: await (asked ?? complete(resolved.desired)) }] as const;
      }),
    );
    return { lock, parts: new Map(parts) };
  }

  /** Undefined where a template needs the host's facts. */
  #desiredWithoutFacts(play: Play, host: Host): HostDesired | undefined {
    try {
      return this.#input.playbook.desired(play, host, undefined);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return undefined;
    }
  }

  #find(host: Host, play: Play, reading: Reading): HostFinding {
    if ('message' in reading) return { kind: 'unreachable', host: host.name, ...reading };
    const part = reading.parts.get(play);
    if (part === undefined) throw new Error(`play ${play.name} of host ${host.name} was not read`);
    const { desired, troubles, observed } = part;
    const { playbook } = this.#input;
    const name = { name: playbook.name, plays: playbook.plays.map((each) => each.name) };
    const plan = reconcile(desired, observed, contextOf(host.name, play, name));
    return { kind: 'read', host: host.name, desired, observed, plan, lock: reading.lock, troubles };
  }

  /**
   * Tags as a plan takes them; a service whose image nobody tells is compared without it. `known`: of the host so far.
   * `observe`: what it says of the tags themselves.
   */
  async #resolve(
    host: Host,
    desired: HostDesired,
    known: Observed,
    observe: () => Promise<Observed>,
  ): Promise<Resolved> {
    const troubles = new Set<string>();
    const source = {
      host,
      observe,
      docker: { pull: () => Promise.reject(new Error('nothing is pulled to look at a host')) },
    };
    const nowMs = this.#context.clock.now();
    const services = await Promise.all(
      desired.services.map(async (service): Promise<Service> => {
        try {
          const alone = { ...desired, services: [service] };
          const how = { nowMs, mayPull: false, imageStore: imageStoreOf(known) };
          const { services: resolved } = await this.#input.images.resolve(alone, source, how);
          return resolved[0] ?? service;
        } catch (error) {
          if (!(error instanceof RegistryError)) throw error;
          troubles.add(withHint(error));
          const running = known.containers.get(service.containerName)?.labels[labels.image];
          const image = running === undefined ? undefined : parseImageRef(running);
          return image === undefined ? service : { ...service, image };
        }
      }),
    );
    return { desired: { ...desired, services }, troubles: [...troubles] };
  }
}

/** What several plays want of one host. */
function allOf(wanted: readonly (Wanted & { readonly names: readonly string[] })[]): Wanted {
  const union = (of: (each: Wanted) => readonly string[] | undefined): readonly string[] => [
    ...new Set(wanted.flatMap((each) => of(each) ?? [])),
  ];
  return {
    names: union(({ names }) => names),
    images: union(({ images }) => images),
    networks: union(({ networks }) => networks),
    volumes: union(({ volumes }) => volumes),
  };
}
