import { basename, extname } from 'node:path';
import { Secret } from '../../model/secret.ts';
import { partAt, type Part } from '../document.ts';
import { resolvePath } from '../files.ts';
import { InventoryGraph } from '../inventory/graph.ts';
import { Inventory } from '../inventory/inventory.ts';
import type { Scope } from '../template/scope.ts';
import { readVarsFile, VarsFiles, type Settings } from '../inventory/vars-files.ts';
import { parsePart, salvage } from '../shape.ts';
import { SealedSecret } from '../text/sealed-secret.ts';
import type { TemplateEngine } from '../template/engine.ts';
import type { Problems } from '../text/problems.ts';
import type { Vault } from '../vault/vault.ts';
import type { NotifySettings } from './notify.ts';
import { policyOf, type PlacedPolicy } from './policies.ts';
import { renderPart, settingsOf } from './play.ts';
import { playbookSchema, type SecretSource } from './schema.ts';
import { placeholderOf } from './secrets.ts';
import { Scopes } from './scopes.ts';
import { entriesOf, overlaid, without } from './sections.ts';
import type { TimetableSettings } from './timetable.ts';

/** What the playbook says before its plays. */
export interface Head {
  readonly name: string;
  readonly folder: string;
  readonly inventory: readonly string[];
  readonly composition: string | undefined;
  readonly images: 'pull' | 'push';
  /** No image without a digest. */
  readonly requireLocked: boolean;
  readonly varsFiles: readonly Settings[];
  readonly secrets: Readonly<Record<string, SecretSource>>;
  /** Those that are written in the playbook itself, encrypted. */
  readonly inlineSecrets: ReadonlyMap<string, Secret>;
  readonly registries: Part;
  readonly policies: readonly PlacedPolicy[];
  readonly timetable: TimetableSettings;
  readonly notify: NotifySettings;
  readonly registrySettings: Readonly<Record<string, RegistrySettings>>;
  /** The names of registries as written, which may be templates, to what they say. */
  readonly registryNames: ReadonlyMap<string, string>;
}

export interface FilesContext {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly vault: Vault;
  readonly problems: Problems;
}

/** Rendered with the playbook's own variables and `-e`: the inventory is not known yet. */
export function readHead(
  document: Part,
  {
    engine,
    extraVars,
    folder,
    files,
  }: { engine: TemplateEngine; extraVars: Settings; folder: string; files: FilesContext },
): Head {
  const nothing = new Inventory(new InventoryGraph(), new VarsFiles(files), { inventory: [], playbook: undefined });
  const playbookVars = settingsOf(partAt(document, 'vars'));
  const scope = new Scopes({ engine, inventory: nothing, extraVars, playbookVars, playbookFolder: folder }).ofPlay(
    new Map(),
  );
  const own = without(document, ['plays', 'vars']);
  const rendered = renderPart(own, scope, files.problems);
  const part = rendered ?? own;
  const plain = withoutInlineSecrets(part);
  const settings =
    (rendered === undefined ? undefined : parsePart(headSchema, plain, files.problems)) ?? salvage(headSchema, plain);
  return {
    name: settings.name ?? basename(document.place.source.file, extname(document.place.source.file)),
    folder,
    inventory: settings.inventory ?? [],
    composition: settings.composition,
    images: settings.images ?? 'pull',
    requireLocked: settings.require_locked ?? false,
    varsFiles: (settings.vars_files ?? []).map((file) => readVarsFile(resolvePath(folder, file, files.env), files)),
    secrets: settings.secrets ?? {},
    inlineSecrets: inlineSecretsOf(part),
    registries: partAt(part, 'registries'),
    policies: policyOf(partAt(part, 'policy')),
    timetable: settings,
    notify: settings.notify,
    registrySettings: settings.registries ?? {},
    registryNames: renderedKeys(partAt(part, 'registries'), scope, files.problems),
  };
}

/** A key that cannot be rendered has its problem; it stands for itself. */
function renderedKeys(part: Part, scope: Scope, problems: Problems): Map<string, string> {
  return new Map(
    [...entriesOf(part)].map(([key, value]) => {
      const rendered = key.includes('{{') ? renderPart({ ...value, value: key }, scope, problems)?.value : key;
      return [key, typeof rendered === 'string' ? rendered : key] as const;
    }),
  );
}

/** A `!vault` value under `secrets`, or a variable that is one, is the secret itself. */
function inlineSecretsOf(part: Part): Map<string, Secret> {
  const entries = entriesOf(partAt(part, 'secrets'));
  return new Map(
    [...entries].flatMap(([name, { value }]) =>
      value instanceof Secret ? [[name, new Secret(name, textOf(name, value))] as const] : [],
    ),
  );
}

/** One that cannot be read is reported once, where the playbook is rendered, and not again wherever it is used. */
function textOf(name: string, secret: Secret): string {
  return secret instanceof SealedSecret ? placeholderOf(name) : secret.reveal();
}

/** The playbook with those secrets only that have a source. */
export function withoutInlineSecrets(part: Part): Part {
  const inline = [...inlineSecretsOf(part).keys()];
  if (inline.length === 0) return part;
  return overlaid(part, { ...part, value: { secrets: without(partAt(part, 'secrets'), inline).value } });
}

const headSchema = playbookSchema.omit({ plays: true, vars: true });

interface RegistrySettings {
  readonly username?: string | undefined;
  readonly password?: string | { readonly secret: string } | undefined;
  readonly insecure: boolean;
}
