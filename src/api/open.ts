import { hostname, userInfo } from 'node:os';
import { resolve } from 'node:path';
import { loadPlaybook, type LoadedPlaybook } from '../config/load.ts';
import { patternNames } from '../config/selection.ts';
import { ownScriptText } from '../docker/command-text.ts';
import { PushSource } from '../docker/push-source.ts';
import { createRegistry, type Registry } from '../docker/registry.ts';
import { RunRefused, type RunContext } from '../engine/context.ts';
import { Transfers } from '../engine/transfer.ts';
import { ImageResolver, type ImageChoice } from '../engine/images.ts';
import { Holds } from '../engine/hold.ts';
import { Heartbeat } from '../engine/heartbeat.ts';
import { Interrupt } from '../engine/interrupt.ts';
import type { Emit, Event, EventBody } from '../events/event.ts';
import { exitCodes } from '../events/exit-code.ts';
import { redactEvent } from '../events/redact.ts';
import { parseImageRef } from '../model/image.ts';
import { createRedactor, type Redactor } from '../model/redactor.ts';
import type { Secret } from '../model/secret.ts';
import { quoteArgv } from '../shell/quote.ts';
import { Notifier } from '../notify/notifier.ts';
import { createConnector, type Connector } from '../ssh/connect.ts';
import type { LockHolder } from '../ssh/lock.ts';
import { keepLog } from '../store/kept-log.ts';
import { controlDir } from '../store/control/place.ts';
import type { SteerReply, SteerRequest } from '../store/control/protocol.ts';
import { serveControl, type ControlServer } from '../store/control/server.ts';
import { journalDir, newRunId, openJournal, type Journal } from '../store/journal.ts';
import { givenNames, recordExtraVars, resumeCommandOf, type ExtraVarsRecord } from './extra-vars-record.ts';
import { HostNotes } from './host-notes.ts';
import type { ConnectionOptions, HostPattern, PlaybookOptions } from './options.ts';
import type { Surroundings } from './surroundings.ts';

/** How a run speaks with whoever has opened it. */
export interface RunHooks {
  /** Everything that happens, in order, without secrets. */
  readonly onEvent?: (event: Event) => void;
  /** Asks for a password of a host or a key; without it nobody can be asked. */
  readonly askSecret?: (question: string) => Promise<string>;
  /** Asks for the password of vaulted values (`askVaultPass`). */
  readonly askVaultPassword?: () => Promise<string>;
  /** It is to be started, and not only planned: what its journal needs is made meanwhile. */
  readonly isToStart?: boolean;
  /** Every command on a host is an event too. */
  readonly showsCommands?: boolean;
}

/** Everything that a run needs, opened in one place. */
export interface OpenedRun {
  readonly playbook: LoadedPlaybook;
  readonly connector: Connector;
  readonly registry: Registry;
  readonly images: ImageResolver;
  readonly holder: LockHolder;
  readonly context: RunContext;
  readonly emit: Emit;
  /** Where it holds. */
  readonly holds: Holds;
  /** For what is shown past the events. */
  readonly redactor: Redactor;
  /** What the journal keeps of `-e`. */
  readonly extraVars: Promise<ExtraVarsRecord | undefined> | undefined;
  /** From now on events are kept, and told to whom the playbook names. */
  startJournal(): void;
  /** From now on other terminals of the same user reach it. */
  listen(answer: (request: SteerRequest) => SteerReply): Promise<void>;
  close(): Promise<void>;
}

/** Loads the playbook and makes ready what a run needs; connects to nothing. @throws ConfigError */
export async function open(
  file: string,
  options: PlaybookOptions & ConnectionOptions & HostPattern,
  surroundings: Surroundings,
  hooks: RunHooks,
  choice: ImageChoice,
): Promise<OpenedRun> {
  const { env, cwd, homeDir, clock, random } = surroundings;
  const run = newRunId(clock.now(), random);
  const extraVars = hooks.isToStart === true ? recordExtraVars(options.extraVars, run) : undefined;
  // Whoever starts the run hears of it.
  extraVars?.catch(() => undefined);
  const playbook = await loadPlaybookFor(file, options, surroundings, hooks);
  const redactor = createRedactor(playbook.secrets);
  const show = (event: Event): void => hooks.onEvent?.(event);
  const stamp = (body: EventBody): Event => ({ v: 1, at: clock.now(), run, ...body });
  let journal: Journal | undefined;
  let notifier: Notifier | undefined;
  let control: ControlServer | undefined;
  const emit: Emit = (body) => {
    const event = redactEvent(stamp(body), redactor);
    journal?.append(event);
    notifier?.see(event);
    show(event);
    notes.hear(event);
  };
  const notes = new HostNotes(emit);
  const heartbeat = new Heartbeat(clock, emit);
  const connector = createConnector({
    acceptNew: options.acceptNew,
    env,
    homeDir,
    clock,
    random,
    forks: options.forks,
    onNotice: (host, message) => heartbeat.emit({ type: 'warning', host, message }),
    ...(hooks.showsCommands === true ? { onCommand: (host, command) => emit(commandEvent(host, command)) } : {}),
    ...(hooks.askSecret === undefined ? {} : { prompt: hooks.askSecret }),
  });
  const onSecret = (secret: Secret): void => redactor.add(secret);
  const registry = createRegistry({ env, registries: playbook.registries, onSecret });
  const interrupt = new Interrupt(clock);
  const pushes = pushSourceOf(playbook, options, surroundings);
  return {
    playbook,
    connector,
    registry,
    images: new ImageResolver(registry, (host, message) => heartbeat.emit({ type: 'warning', host, message }), choice, {
      pushes,
      transfers: new Transfers({ clock, emit: heartbeat.emit }),
      signal: interrupt.soon,
    }),
    holder: { run, user: userInfo().username, controller: hostname(), since: clock.now() },
    context: {
      run,
      clock,
      startedMs: clock.now(),
      emit: heartbeat.emit,
      heartbeat,
      interrupt,
      notes,
      forks: options.forks,
      resumeCommand: resumeCommandOf(run, givenNames(options.extraVars)),
      keepLog: (host, container, lines) =>
        keepLog(
          journalDir(env, cwd),
          run,
          `${host}-${container}`,
          lines.map((line) => redactor.redact(line)),
        ),
    },
    emit,
    holds: new Holds(),
    redactor,
    extraVars,
    startJournal: () => {
      notifier ??= new Notifier(playbook.notify, { name: playbook.name, playbook: playbook.file }, (message) =>
        show(redactEvent(stamp({ type: 'warning', message }), redactor)),
      );
      journal ??= openJournal(journalDir(env, cwd), run, (message) => show(stamp({ type: 'warning', message })));
    },
    listen: async (answer) => {
      try {
        control = await serveControl(controlDir(journalDir(env, cwd)), run, answer);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        emit({ type: 'warning', message: `this run cannot be steered from another terminal: ${why}` });
      }
    },
    close: async () => {
      control?.close();
      await connector.close();
      await notifier?.close();
      await pushes?.close();
      journal?.close();
    },
  };
}

/** Says which parts of the patterns that were typed match nothing: a command that looks says nothing of its files. */
export function warnOfPatterns({ playbook, emit }: OpenedRun): void {
  for (const { file, message } of playbook.warnings)
    if (patternNames.includes(file)) emit({ type: 'warning', message: `${file}: ${message}` });
}

/** Undefined where every image comes from a registry. @throws RunRefused for what names no image */
function pushSourceOf(
  { images }: LoadedPlaybook,
  { push }: Pick<PlaybookOptions, 'push'>,
  { cwd, env }: Surroundings,
): PushSource | undefined {
  if (images !== 'push' && push.length === 0) return undefined;
  const listed = push.map((written) => {
    const [name = '', ...rest] = written.split('=');
    const image = parseImageRef(name);
    if (image === undefined || rest[0] === '')
      throw new RunRefused(exitCodes.usage, `--push takes an image, or IMAGE=FILE; got ${written}`);
    return rest.length === 0 ? { image } : { image, file: resolve(cwd, rest.join('=')) };
  });
  return new PushSource({ all: images === 'push', listed, env });
}

type CommandListener = NonNullable<Parameters<typeof createConnector>[0]['onCommand']>;

function commandEvent(host: string, { argv, ...how }: Parameters<CommandListener>[1]): EventBody {
  const script = ownScriptText(argv);
  const named = script === undefined ? {} : { script };
  return { type: 'command_run', host, commandLine: quoteArgv(argv), ...named, ...how };
}

function loadPlaybookFor(
  file: string,
  options: PlaybookOptions & HostPattern,
  { env, cwd }: Surroundings,
  { askVaultPassword }: RunHooks,
): Promise<LoadedPlaybook> {
  return loadPlaybook({
    playbook: file,
    inventories: options.inventory,
    extraVars: options.extraVars,
    tags: options.tags,
    skipTags: options.skipTags,
    become: options.become,
    env,
    cwd,
    ...(options.limit === undefined ? {} : { limit: options.limit }),
    ...(options.pattern === undefined ? {} : { pattern: options.pattern }),
    ...(options.composition === undefined ? {} : { composition: options.composition }),
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.privateKey === undefined ? {} : { privateKey: options.privateKey }),
    ...(options.vaultPasswordFile === undefined ? {} : { vaultPasswordFile: options.vaultPasswordFile }),
    ...(options.askVaultPass && askVaultPassword !== undefined ? { askVaultPass: askVaultPassword } : {}),
  });
}
