import * as z from 'zod';
import type { Secret } from '../../model/secret.ts';
import { containerKey, draftKey, type Scope, type ServiceKey } from '../key.ts';
import { flag, scalarText, sorted, splitPair, text, textMap, unlessEmpty } from '../values.ts';
import type { Inspected } from '../inspected.ts';

type Variables = Readonly<Record<string, string | Secret>>;

/** Docker's client adds these from its own configuration: unless they are asked for, they are no difference. */
const proxyVariable = /^(?:https?|ftp|no|all)_proxy$/i;

const secretRef = z.strictObject({ secret: text }, { error: 'must be a text, or { secret: NAME }' });
const variableValue = z.union([scalarText, z.null(), secretRef], {
  error: 'must be text, a number, a boolean or { secret: NAME }',
});

/** Variables, labels and other pairs. `env_file` stands before `environment`, which overrides it. */
export const environmentKeys: readonly ServiceKey[] = [
  draftKey({
    name: 'env_file',
    doc: 'Files of NAME=value lines at the controller, beside the playbook. `environment` overrides them; with `required: false` a missing one is passed over.',
    schema: z
      .union(
        [
          text,
          z.array(
            z.union(
              [text, z.strictObject({ path: text, required: flag.optional(), format: z.literal('raw').optional() })],
              {
                error: 'must be a path, or a map with path and required',
              },
            ),
          ),
        ],
        { error: 'must be a path or a list of paths' },
      )
      .transform((value) => (typeof value === 'string' ? [value] : value)),
    apply: (files, draft, scope) => {
      files.forEach((file, index) => {
        const { path, required } = typeof file === 'string' ? { path: file, required: true } : file;
        const content = scope.context.readFile(path);
        if (content !== undefined) {
          const variables = parseEnvFile(content, path, (message) => scope.problem([index], message), scope);
          draft.spec['environment'] = sorted({ ...(draft.spec['environment'] as Variables | undefined), ...variables });
        } else if (required !== false) {
          scope.problem(
            [index],
            `cannot be read; got ${JSON.stringify(path)}. Write it as { path: …, required: false } if it may be missing`,
          );
        }
      });
    },
  }),
  containerKey<Readonly<Record<string, unknown>>, Variables>({
    name: 'environment',
    doc: "Variables of the process: a map or a list of NAME=value. `{ secret: NAME }` takes one of the playbook's secrets, which then appears in no command line. A name without a value takes the controller's variable.",
    schema: z
      .union([z.record(z.string(), variableValue), z.array(z.string({ error: 'must be NAME=value' }))], {
        error: 'must be a map, or a list of NAME=value',
      })
      .transform((value): Readonly<Record<string, unknown>> =>
        Array.isArray(value) ? Object.fromEntries(value.map(splitPair)) : value,
      ),
    canonical: (written, scope) => {
      const variables: [string, string | Secret][] = [];
      for (const [name, value] of Object.entries(written)) {
        checkName(name, scope);
        const resolved = resolveVariable(name, value, scope);
        if (resolved !== undefined) variables.push([name, resolved]);
      }
      return unlessEmpty(sorted(Object.fromEntries(variables)));
    },
    join: (earlier, later) => sorted({ ...earlier, ...later }),
    create: (variables, sink) => Object.entries(variables).forEach(([name, value]) => sink.environment(name, value)),
    read: (container, desired) => {
      const variables = environmentOf(container);
      const own = Object.entries(variables).filter(
        ([name]) => !proxyVariable.test(name) || desired?.[name] !== undefined,
      );
      return unlessEmpty(sorted(Object.fromEntries(own)));
    },
    inherited: (image) => unlessEmpty(environmentOf(image)),
  }),
  containerKey<Readonly<Record<string, string | null>>, Readonly<Record<string, string>>>({
    name: 'labels',
    doc: 'Labels of the container: a map or a list of NAME=value. Names that start with `rollout.` are taken.',
    schema: textMap,
    canonical: (written, scope) => {
      for (const name of Object.keys(written)) {
        if (name === '') scope.problem([], 'has a label without a name');
        if (/\s/.test(name)) scope.problem([name], `must not have a space in its name; got ${JSON.stringify(name)}`);
        if (name.startsWith('rollout.'))
          scope.problem([name], 'is a label that rollout sets itself; choose another name');
      }
      return unlessEmpty(sorted(withoutNulls(written)));
    },
    create: (labels, sink) =>
      Object.entries(labels).forEach(([name, value]) => sink.option('label', `${name}=${value}`)),
    read: (container) => {
      const labels = Object.entries(container.textMap('Config.Labels'));
      return unlessEmpty(
        sorted(Object.fromEntries(labels.filter(([name]) => !/^(?:rollout|desktop\.docker\.io)[./]/.test(name)))),
      );
    },
    inherited: (image) => unlessEmpty(image.textMap('Config.Labels')),
  }),
  containerKey<Readonly<Record<string, string | null>>, Readonly<Record<string, string>>>({
    name: 'annotations',
    doc: 'OCI annotations, passed to the runtime. Needs docker 24 or later on the host.',
    schema: textMap,
    canonical: (written) => unlessEmpty(sorted(withoutNulls(written))),
    create: (pairs, sink) =>
      Object.entries(pairs).forEach(([name, value]) => sink.option('annotation', `${name}=${value}`)),
    read: (container) => unlessEmpty(sorted(container.textMap('HostConfig.Annotations'))),
  }),
];

function checkName(name: string, scope: Scope): void {
  if (!/^[^\s=#][^\s=]*$/.test(name) || name.includes('\0'))
    scope.problem([name], `is not a variable's name; got ${JSON.stringify(name)}`);
}

/** `undefined` where the variable stays unset: a null that the controller does not have, or a problem. */
function resolveVariable(name: string, value: unknown, scope: Scope): string | Secret | undefined {
  if (value === null) return scope.context.environmentVariable?.(name);
  if (typeof value === 'string') {
    if (value.includes('\0')) scope.problem([name], 'holds a NUL character, which no process can receive');
    return value;
  }
  const { secret: secretName } = value as z.infer<typeof secretRef>;
  const secret = scope.secret(secretName, [name]);
  const text = secret?.reveal() ?? '';
  if (/[\n\r\0]/.test(text)) {
    scope.problem(
      [name],
      `the secret ${secretName} has several lines, which docker's environment files cannot carry. Mount it instead: secrets: [${secretName}]`,
    );
  } else if (Buffer.byteLength(`${name}=${text}`) >= 64 * 1024) {
    scope.problem(
      [name],
      `the secret ${secretName} is longer than the 64 KiB that docker reads of a line. Mount it instead: secrets: [${secretName}]`,
    );
  }
  return secret;
}

function parseEnvFile(
  content: string,
  path: string,
  problem: (message: string) => void,
  scope: Scope,
): Record<string, string> {
  const variables: Record<string, string> = {};
  content.split(/\r?\n/).forEach((line, index) => {
    const trimmed = line.trimStart().replace(/^export\s+/, '');
    if (trimmed === '' || trimmed.startsWith('#')) return;
    const [name, value] = splitPair(trimmed);
    if (!/^[^\s=#]+$/.test(name))
      problem(`${path}:${index + 1}: is not NAME=value; got ${JSON.stringify(name.slice(0, 40))}`);
    const resolved = value === null ? scope.context.environmentVariable?.(name) : unquote(value);
    if (resolved !== undefined) variables[name] = resolved;
  });
  return variables;
}

/** A value in one pair of quotes is what stands between them; otherwise a ` #` begins a comment. */
function unquote(value: string): string {
  const quoted = /^\s*(["'])(.*)\1\s*(?:#.*)?$/.exec(value);
  if (quoted !== null) {
    const inner = quoted[2] ?? '';
    return quoted[1] === '"'
      ? inner.replace(/\\([nrt"\\$])/g, (_, char: string) => ({ n: '\n', r: '\r', t: '\t' })[char] ?? char)
      : inner;
  }
  return value.replace(/\s+#.*$/, '').trim();
}

function environmentOf(document: Inspected): Record<string, string> {
  return Object.fromEntries(document.texts('Config.Env').map((pair) => [splitPair(pair)[0], splitPair(pair)[1] ?? '']));
}

function withoutNulls(map: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, value ?? '']));
}
