import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Facts, Host, Value } from '../model/host.ts';
import type { ImageRef } from '../model/image.ts';
import type { NotifyTarget } from '../model/notify.ts';
import type { Play, RegistryCredentials } from '../model/play.ts';
import { ConfigError, type Problem } from '../model/problem.ts';
import { createRedactor, redactProblem } from '../model/redactor.ts';
import type { Secret } from '../model/secret.ts';
import type { HostDesired } from '../model/service.ts';
import type { Timetable } from '../model/timetable.ts';
import { readCompose } from './compose/read.ts';
import { readComposition, type Composition } from './composition.ts';
import { partAt, problemIn, readDocument, type Part } from './document.ts';
import { readExtraVars } from './extra-vars.ts';
import { expandHome, resolvePath } from './files.ts';
import type { Inventory } from './inventory/inventory.ts';
import { loadInventory } from './inventory/load.ts';
import { PatternError } from './inventory/patterns.ts';
import { merged, type Settings } from './inventory/vars-files.ts';
import { readHead, withoutInlineSecrets, type FilesContext, type Head } from './playbook/head.ts';
import { HostFactory } from './playbook/hosts.ts';
import { buildPlay, settingsOf, type BuiltPlay } from './playbook/play.ts';
import type { PlayContext } from './playbook/play-context.ts';
import { InventoryPolicies, refuseMisplacedPolicies } from './playbook/policies.ts';
import { playbookSchema } from './playbook/schema.ts';
import { Scopes } from './playbook/scopes.ts';
import { controllerOf } from './controller-file.ts';
import { checkConnectionFlags, checkSelection, limitOf, warnOfUnusedVars } from './selection.ts';
import { desiredOfHost } from './playbook/desired-of-host.ts';
import { notifyOf } from './playbook/notify.ts';
import { registriesOf } from './playbook/registries.ts';
import { refuseMisplacedFreezes, timetableOf } from './playbook/timetable.ts';
import { checkUnrendered } from './shape.ts';
import { TemplateEngine } from './template/engine.ts';
import { Problems } from './text/problems.ts';
import { readDecryption } from './vault/password.ts';
import { isVaultText, Vault } from './vault/vault.ts';
import { secretsOf } from './playbook/playbook-secrets.ts';

export interface LoadOptions {
  readonly playbook: string;
  /** `-i`: override what the playbook names. */
  readonly inventories: readonly string[];
  readonly limit?: string | undefined;
  /** A pattern of hosts beside `limit`: only hosts of both. */
  readonly pattern?: string | undefined;
  /** `-e`, in order. */
  readonly extraVars: readonly string[];
  /** `-c`: overrides what the playbook names. */
  readonly composition?: string | undefined;
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  readonly user?: string | undefined;
  readonly privateKey?: string | undefined;
  readonly become: boolean;
  readonly vaultPasswordFile?: string | undefined;
  readonly askVaultPass?: (() => Promise<string>) | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

export interface LoadedPlaybook {
  readonly name: string;
  readonly file: string;
  readonly plays: readonly Play[];
  readonly composition?: Composition;
  /** Whether hosts pull their images, or get them from the controller. */
  readonly images: 'pull' | 'push';
  readonly registries: readonly RegistryCredentials[];
  /** Every value that must never be shown: the playbook's secrets, passwords, and what was encrypted. */
  readonly secrets: readonly Secret[];
  readonly warnings: readonly Problem[];
  /** When its runs may change these hosts. */
  readonly timetable: Timetable;
  /** Whom its runs tell what happens. */
  readonly notify: readonly NotifyTarget[];
  /**
   * What a play wants of one of its hosts, rendered with the host's variables and facts; without facts while it is not
   * connected.
   * @throws ConfigError with everything that is wrong for this host; without facts also where a template needs them.
   */
  desired(play: Play, host: Host, facts: Facts | undefined): HostDesired;
  /** A host of the inventory, in this play or not, for `delegate_to`. */
  readonly hostNamed: (play: Play, name: string) => Host | undefined;
  /** The balancer's name of every host of the play, `--limit` or not; undefined for one that takes facts. */
  serverNames(play: Play): readonly (string | undefined)[];
}

/** `check`: secrets are stand-ins, so that nothing is run and nothing needs to be set. */
type LoadMode = 'run' | 'check';

/** Reads a playbook with all that belongs to it. @throws ConfigError with every problem of every file. */
export async function loadPlaybook(options: LoadOptions): Promise<LoadedPlaybook> {
  const { problems, playbook, confidential } = await readPlaybook(options, 'run');
  const errors = problems.errors();
  if (playbook !== undefined && errors.length === 0) return playbook;
  // What a failing command or a file says may hold a secret that another source has given by then.
  const redactor = createRedactor(confidential);
  throw new ConfigError(errors.map((problem) => redactProblem(problem, redactor)));
}

/** Everything that a playbook is and what is wrong with it; undefined only where the file itself cannot be read. */
export async function readPlaybook(
  options: LoadOptions,
  mode: LoadMode,
): Promise<{
  readonly problems: Problems;
  readonly playbook: LoadedPlaybook | undefined;
  /** What must not be shown, as far as it is known. */
  readonly confidential: readonly Secret[];
}> {
  const problems = new Problems();
  const path = resolve(options.cwd, expandHome(options.playbook, options.env));
  const vault = new Vault(await readDecryption(options, problems), problems);
  const files = { cwd: options.cwd, env: options.env, vault, problems };

  const document = readDocument(path, options.cwd, { scalars: 'core', vault: vault.value.bind(vault) }, problems);
  const extraVars = readExtraVars(options.extraVars, files);
  checkConnectionFlags(options, problems);
  if (document === undefined) return { problems, playbook: undefined, confidential: vault.secrets };
  checkUnrendered(playbookSchema, withoutInlineSecrets(document), problems);

  const engine = new TemplateEngine();
  const head = readHead(document, { engine, extraVars, folder: dirname(path), files });
  const composition = readChosenComposition(head, options, problems);
  const inventory = await readChosenInventory(head, document, options, files);
  const secrets = await secretsOf(head, document, mode, options.env, files);

  const playbookVars = merged([settingsOf(partAt(document, 'vars')), ...head.varsFiles]);
  const scopes = new Scopes({ engine, inventory, extraVars, playbookVars, playbookFolder: head.folder });
  const hosts = new HostFactory(scopes, options, problems);
  const inventoryPolicies = new InventoryPolicies(inventory, problems);
  refuseMisplacedPolicies([playbookVars, extraVars], problems);
  refuseMisplacedFreezes([playbookVars, extraVars], problems);
  const usedByCompose = new Set<string>();
  const context: PlayContext = {
    policies: head.policies,
    inventoryPolicies: (member) => inventoryPolicies.of(member),
    ...contextOf(head, options, { composition, extraVars, problems, usedByCompose, vault }),
    scopes,
    secrets,
    inventory,
    problems,
    limit: limitOf(inventory, options, problems),
    hostOf: (member, playVars) => hosts.host(member, playVars, inventory),
  };
  const plays = playsOf(document, context);
  const registries = registriesOf(head, context);
  const members = new Set(plays.flatMap((play) => [...play.members.values()]));
  const timetable = timetableOf(head.timetable, document, { members: [...members], inventory, problems });
  const notify = notifyOf(head.notify, document, { secrets, folder: head.folder, problems });
  checkSelection(plays, options, problems);
  warnOfUnusedVars(
    extraVars,
    { document, inventory, playbookVars, isUsed: (name) => usedByCompose.has(name) },
    problems,
  );

  const confidential = new Set([...secrets.values(), ...vault.secrets, ...hosts.secrets]);
  for (const { password } of registries) if (password !== undefined) confidential.add(password);
  const built = new Map(plays.map((play) => [play.play, play]));
  const playbook: LoadedPlaybook = {
    name: head.name,
    file: document.place.source.file,
    plays: plays.map(({ play }) => play),
    ...(composition === undefined ? {} : { composition }),
    images: head.images,
    registries,
    secrets: [...confidential],
    warnings: problems.warnings(),
    timetable,
    notify,
    desired: (play, host, facts) => desiredOfHost(built, play, host, facts),
    hostNamed: (play, name) => {
      const member = inventory.graph.hosts.get(name);
      const found = built.get(play);
      return member === undefined || found === undefined ? undefined : hosts.host(member, found.vars, inventory);
    },
    serverNames: (play) => {
      const found = built.get(play);
      return found?.everyone.map((member) => found.desired.serverName(member)) ?? [];
    },
  };
  return { problems, playbook, confidential: [...confidential] };
}

function readChosenComposition(head: Head, options: LoadOptions, problems: Problems): Composition | undefined {
  const { cwd, env } = options;
  const mustBeLocked = head.requireLocked;
  if (options.composition !== undefined)
    return readComposition(resolvePath(cwd, options.composition, env), cwd, problems, { mustBeLocked });
  return head.composition === undefined
    ? undefined
    : readComposition(resolvePath(head.folder, head.composition, env), cwd, problems, { mustBeLocked });
}

async function readChosenInventory(
  head: Head,
  document: Part,
  options: LoadOptions,
  files: FilesContext,
): Promise<Inventory> {
  const named = head.inventory.map((source) =>
    source.includes(',') ? source : resolvePath(head.folder, source, options.env),
  );
  const sources = options.inventories.length > 0 ? options.inventories : named;
  if (sources.length === 0 && files.problems.count === 0)
    files.problems.add(problemIn(document, [], 'no inventory is named; write inventory: here, or use -i', true));
  return loadInventory({ ...files, sources, playbookFolder: head.folder });
}

function contextOf(
  head: Head,
  options: LoadOptions,
  {
    composition,
    extraVars,
    problems,
    usedByCompose,
    vault,
  }: {
    composition: Composition | undefined;
    extraVars: Settings;
    problems: Problems;
    vault: Vault;
    /** Collects the names of `-e` that a Compose file asks for. */
    usedByCompose: Set<string>;
  },
): Omit<
  PlayContext,
  'scopes' | 'secrets' | 'policies' | 'inventoryPolicies' | 'inventory' | 'problems' | 'limit' | 'hostOf'
> {
  const texts = new Map<string, string | undefined>();
  const readFile = (folder: string, path: string): string | undefined => {
    const full = resolvePath(folder, path, options.env);
    if (!texts.has(full)) texts.set(full, readText(full));
    return texts.get(full);
  };
  return {
    folder: head.folder,
    tags: { only: options.tags, skip: options.skipTags },
    component: (name): ImageRef | undefined => composition?.components.get(name),
    requireLocked: head.requireLocked,
    readFile,
    environmentVariable: (name) => options.env[name],
    controllerOf: (base) => controllerOf(base, options.env),
    readTasks: (path) => readDocument(path, options.cwd, { scalars: 'core', vault: vault.value.bind(vault) }, problems),
    readCompose: ({ files, envFiles }) => {
      const inFolder = (file: string): string => resolvePath(head.folder, file, options.env);
      return readCompose(
        { files: files.map(inFolder), envFiles: envFiles?.map(inFolder) },
        {
          cwd: options.cwd,
          problems,
          variable: (name) => {
            const given = extraVars.get(name)?.value;
            usedByCompose.add(name);
            return typeof given === 'string' || typeof given === 'number' ? String(given) : options.env[name];
          },
        },
      );
    },
    readLines: (file) => {
      const text = readFile(options.cwd, file);
      if (text === undefined) throw new PatternError(`the file ${file} of the pattern @${file} cannot be read`);
      return text.split('\n');
    },
  };
}

function readText(path: string): string | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    return isVaultText(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function playsOf(document: Part, context: PlayContext): BuiltPlay[] {
  const names = new Set<string>();
  const list = partAt(document, 'plays');
  if (!Array.isArray(list.value)) return [];
  return (list.value as readonly Value[]).map((_, index) => {
    const part = partAt(list, index);
    const built = buildPlay(part, context);
    const { name } = built.play;
    if (name !== '' && names.has(name))
      context.problems.add(problemIn(part, ['name'], `must differ from other plays' names; got ${name} again`));
    names.add(name);
    return built;
  });
}
