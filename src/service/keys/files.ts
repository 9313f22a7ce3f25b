import * as z from 'zod';
import type { Secret } from '../../model/secret.ts';
import type { Inspected } from '../inspected.ts';
import { containerKey, type KeyScope, type ServiceKey } from '../key.ts';
import { scalarText, sorted, text, unlessEmpty } from '../values.ts';
import { csvField, filesFolder } from './mounts.ts';

const secretRef = () => z.strictObject({ secret: text });
const access = () => ({
  source: text.optional(),
  target: text.optional(),
  uid: scalarText.optional(),
  gid: scalarText.optional(),
  mode: z
    .union([z.int().min(0).max(0o7777), z.string().regex(/^[0-7]{3,4}$/, 'must be octal digits such as 0440')], {
      error: 'must be octal digits such as 0440',
    })
    .optional(),
});
const configForm = () =>
  z.strictObject(
    {
      ...access(),
      content: z.union([z.string(), secretRef()], { error: 'must be text, or { secret: NAME }' }).optional(),
      file: text.optional(),
      environment: text.optional(),
      secret: text.optional(),
    },
    { error: 'must be a name, or a mapping with source or content, and target' },
  );
const secretForm = () =>
  z.strictObject(access(), { error: "must be a secret's name, or a mapping with source and target" });
type Written = z.infer<ReturnType<typeof configForm>>;

/** A file in the container, by its path there. */
type File = Readonly<Record<'mode' | 'uid' | 'gid', string>> & { readonly content: string | Secret };

/** Files that rollout lays on the host and mounts. Another content is another mount, and so another container. */
export const fileKeys: readonly ServiceKey[] = [
  fileKey(
    'configs',
    "Files for the container, mounted read-only: names of the play's configs, or mappings with target and one of content, file (at the controller), environment or secret. They may also have uid, gid and mode (0400). Without a target: `/NAME`.",
    () =>
      z.array(
        z.union([text, configForm()], { error: 'must be a name, or a mapping with source or content, and target' }),
        {
          error: 'must be a list of configs',
        },
      ),
    '/',
    configContent,
  ),
  fileKey(
    'secrets',
    "The playbook's secrets as files, mounted read-only: names, or mappings with source, target, uid, gid, mode (0400). Without a target: `/run/secrets/NAME`.",
    () =>
      z.array(
        z.union([text, secretForm()], { error: "must be a secret's name, or a mapping with source and target" }),
        {
          error: 'must be a list of secrets',
        },
      ),
    '/run/secrets/',
    ({ source = '' }, path, scope) => scope.secret(source, path),
  ),
];

type ContentOf = (written: Written, path: readonly (string | number)[], scope: KeyScope) => string | Secret | undefined;

function fileKey(
  name: string,
  doc: string,
  schema: () => z.ZodType<readonly (string | Written)[]>,
  folder: string,
  contentOf: ContentOf,
): ServiceKey {
  return containerKey<readonly (string | Written)[], Readonly<Record<string, File>>, Readonly<Record<string, string>>>({
    name,
    doc,
    schema,
    canonical: (items, scope) => {
      const files: Record<string, File> = {};
      items.forEach((item, index) => {
        const written: Written = typeof item === 'string' ? { source: item } : item;
        const target = targetOf(written, folder);
        const content = contentOf(written, [index], scope);
        if (target === undefined)
          scope.problem([index], 'has neither a source nor a target; write where in the container it goes: target');
        else if (files[target] !== undefined) scope.problem([index], `writes ${target} a second time`);
        if (target !== undefined && content !== undefined)
          files[target] = { content, ...accessOf(written, [index], scope) };
      });
      return unlessEmpty(sorted(files));
    },
    create: (files, sink) => {
      for (const [target, { content, mode, uid, gid }] of Object.entries(files)) {
        const source = sink.file(name, content, { mode, uid, gid });
        sink.option('mount', ['type=bind', `source=${source}`, `target=${target}`, 'readonly'].map(csvField).join(','));
      }
    },
    comparable: (files, pathOf) =>
      Object.fromEntries(
        Object.entries(files).map(([target, { content, ...permissions }]) => [
          target,
          pathOf(name, content, permissions),
        ]),
      ),
    read: (container) => unlessEmpty(sorted(readFiles(container, name))),
  });
}

function targetOf({ source, target }: Written, folder: string): string | undefined {
  const path = target ?? source;
  if (path === undefined) return undefined;
  return path.startsWith('/') ? path : `${folder}${path}`;
}

function configContent(
  written: Written,
  path: readonly (string | number)[],
  scope: KeyScope,
): string | Secret | undefined {
  const { source, content, file, environment, secret } = written;
  const origins = Object.entries({ source, content, file, environment, secret }).filter(
    ([, value]) => value !== undefined,
  );
  if (origins.length !== 1) {
    const found = origins.map(([name]) => name).join(', ') || 'none';
    scope.problem(path, `must have exactly one of source, content, file, environment and secret; got ${found}`);
    return undefined;
  }
  if (secret !== undefined) return scope.secret(secret, [...path, 'secret']);
  if (typeof content === 'object') return scope.secret(content.secret, [...path, 'content']);
  const { context } = scope;
  const found =
    content ??
    (file === undefined ? undefined : context.readFile(file)) ??
    (environment === undefined ? undefined : context.environmentVariable?.(environment)) ??
    (source === undefined ? undefined : context.configs?.get(source));
  if (found !== undefined) return found;
  if (file !== undefined) scope.problem([...path, 'file'], `cannot be read; got ${JSON.stringify(file)}`);
  else if (environment !== undefined)
    scope.problem([...path, 'environment'], `is not set here; got ${JSON.stringify(environment)}`);
  else scope.problem(path, `there is no config ${JSON.stringify(source)}; name it under configs of the play`);
  return undefined;
}

/** Only its owner may read the file: by default the user that the container runs as, where that is a number. */
function accessOf(
  { uid, gid, mode }: Written,
  path: readonly (string | number)[],
  scope: KeyScope,
): Omit<File, 'content'> {
  const [user = '0', group] = userOf(scope).split(':');
  const owner = /^\d+$/.test(user) ? user : user === 'root' ? '0' : undefined;
  if (uid === undefined && mode === undefined && owner === undefined) {
    scope.problem(
      path,
      `needs a uid: the container runs as ${user}, whose number only the image knows. Write uid, or mode`,
    );
  }
  return {
    // YAML has read the octal digits of a number already: 0440 is 288.
    mode: (typeof mode === 'number' ? mode.toString(8) : (mode ?? '0400')).padStart(4, '0'),
    uid: uid ?? owner ?? '0',
    gid: gid ?? (group !== undefined && /^\d+$/.test(group) ? group : '0'),
  };
}

function userOf({ spec }: KeyScope): string {
  return typeof spec['user'] === 'string' ? spec['user'] : '0';
}

/** Mounts of files that rollout laid: their path says whose key they are and what their content is. */
function readFiles(container: Inspected, name: string): Record<string, string> {
  const mounts = container.items('HostConfig.Mounts').filter((item) => {
    const source = item.text('Source');
    return source.startsWith(`${filesFolder}/`) && source.split('/').at(-1)?.startsWith(`${name}-`) === true;
  });
  return Object.fromEntries(mounts.map((item) => [item.text('Target'), item.text('Source')]));
}
