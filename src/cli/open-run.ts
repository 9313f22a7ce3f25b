import { hostname, userInfo } from 'node:os';
import { resolve } from 'node:path';
import pLimit from 'p-limit';
import { loadPlaybook, type LoadedPlaybook } from '../config/load.ts';
import { ownScriptText } from '../docker/command-text.ts';
import { createRegistry } from '../docker/registry.ts';
import type { RunContext } from '../engine/context.ts';
import { ImageResolver } from '../engine/images.ts';
import { Interrupt } from '../engine/interrupt.ts';
import type { Emit, Event } from '../events/event.ts';
import { redactEvent } from '../events/redact.ts';
import { journalDir, newRunId, openJournal } from '../store/journal.ts';
import type { ImageRef } from '../model/image.ts';
import { createRedactor, type Redactor } from '../model/redactor.ts';
import { createRenderer } from '../render/renderer.ts';
import { createConnector, type Connector } from '../ssh/connect.ts';
import type { LockHolder } from '../ssh/lock.ts';
import { quoteArgv } from '../shell/quote.ts';
import type { ConnectionOptions, OutputOptions, PlaybookOptions } from './options.ts';
import { askHidden, isInteractive } from './prompt.ts';
import { writeReport } from './report.ts';
import type { World } from './world.ts';

/** Everything that a command which connects needs, opened in one place. */
export interface RunSetup {
  readonly playbook: LoadedPlaybook;
  readonly connector: Connector;
  readonly images: ImageResolver;
  readonly holder: LockHolder;
  readonly context: RunContext;
  readonly emit: Emit;
  readonly ask: Asking;
  /** For what is shown past the events. */
  readonly redactor: Redactor;
  close(): Promise<void>;
}

/** Has the terminal to itself while it asks: the live view steps aside. */
type Asking = <Answer>(question: () => Promise<Answer>) => Promise<Answer>;

/** Loads the playbook and opens what a run writes to. @throws ConfigError */
export async function openRun(
  file: string,
  options: PlaybookOptions & ConnectionOptions & OutputOptions,
  world: World,
  { journal: wantsJournal = true, pinned }: { journal?: boolean; pinned?: ReadonlyMap<string, ImageRef> } = {},
): Promise<RunSetup> {
  const playbook = await loadPlaybookFor(file, options, world);
  const run = newRunId(world.clock.now(), world.random);
  const renderer = createRenderer({
    output: options.output,
    stdout: world.stdout,
    clock: world.clock,
    color: options.color && (world.env['NO_COLOR'] ?? '') === '',
    verbosity: options.verbose,
    term: world.env['TERM'],
    atExit: (callback) => {
      process.on('exit', callback);
      return () => process.off('exit', callback);
    },
  });
  const oneAtATime = pLimit(1);
  const ask: Asking = (question) =>
    oneAtATime(async () => {
      const takeBack = renderer.suspend();
      try {
        return await question();
      } finally {
        takeBack();
      }
    });
  const redactor = createRedactor(playbook.secrets);
  const show = (event: Event): void => renderer.emit(event);
  const stamp = (body: Parameters<Emit>[0]): Event => ({ v: 1, at: world.clock.now(), run, ...body });
  const journal = wantsJournal
    ? openJournal(journalDir(world.env, world.cwd), run, (message) => show(stamp({ type: 'warning', message })))
    : undefined;
  const reported: Event[] = [];
  const emit: Emit = (body) => {
    const event = redactEvent(stamp(body), redactor);
    journal?.append(event);
    if (options.report !== undefined) reported.push(event);
    show(event);
  };
  for (const { file: from, line, message } of playbook.warnings) {
    emit({ type: 'warning', message: `${from}:${line}: ${message}` });
  }
  const connector = createConnector({
    acceptNew: options.acceptNew,
    env: world.env,
    homeDir: world.homeDir,
    clock: world.clock,
    random: world.random,
    forks: options.forks,
    onNotice: (host, message) => emit({ type: 'warning', host, message }),
    ...(options.verbose < 3
      ? {}
      : {
          onCommand: (host, { argv, ...how }) => {
            const script = ownScriptText(argv);
            const named = script === undefined ? {} : { script };
            emit({ type: 'command_run', host, commandLine: quoteArgv(argv), ...named, ...how });
          },
        }),
    ...(isInteractive(world) ? { prompt: (question: string) => ask(() => askHidden(question, world)) } : {}),
  });
  return {
    playbook,
    connector,
    images: new ImageResolver(
      createRegistry({ env: world.env, registries: playbook.registries }),
      (host, message) => emit({ type: 'warning', host, message }),
      pinned,
    ),
    holder: { run, user: userInfo().username, controller: hostname(), since: world.clock.now() },
    context: {
      run,
      clock: world.clock,
      startedMs: world.clock.now(),
      emit,
      interrupt: new Interrupt(),
      forks: options.forks,
    },
    emit,
    ask,
    redactor,
    close: async () => {
      await connector.close();
      renderer.close();
      journal?.close();
      if (options.report !== undefined) await report(resolve(world.cwd, options.report), reported, world);
    },
  };
}

/** The run has its exit code by now: a report that cannot be written is said, and changes nothing. */
async function report(file: string, events: readonly Event[], { stderr }: World): Promise<void> {
  try {
    await writeReport(file, events);
  } catch (error) {
    stderr.write(`rollout: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

function loadPlaybookFor(file: string, options: PlaybookOptions, world: World): Promise<LoadedPlaybook> {
  return loadPlaybook({
    playbook: file,
    inventories: options.inventory,
    extraVars: options.extraVars,
    tags: options.tags,
    skipTags: options.skipTags,
    become: options.become,
    env: world.env,
    cwd: world.cwd,
    ...(options.limit === undefined ? {} : { limit: options.limit }),
    ...(options.composition === undefined ? {} : { composition: options.composition }),
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.privateKey === undefined ? {} : { privateKey: options.privateKey }),
    ...(options.vaultPasswordFile === undefined ? {} : { vaultPasswordFile: options.vaultPasswordFile }),
    ...(options.askVaultPass ? { askVaultPass: () => askHidden('Vault password: ', world) } : {}),
  });
}
