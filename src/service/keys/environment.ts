import * as z from 'zod';
import type { Secret } from '../../model/secret.ts';
import { readDotenv, readRawVariables } from '../../shell/dotenv.ts';
import { containerKey, draftKey, type KeyScope, type ServiceKey } from '../key.ts';
import { flag, scalarText, sorted, splitPair, text, textMap, unlessEmpty } from '../values.ts';
import type { Inspected } from '../inspected.ts';

type Variables = Readonly<Record<string, string | Secret>>;

/** Docker's client adds these from its own configuration: unless they are asked for, they are no difference. */
const proxyVariable = /^(?:https?|ftp|no|all)_proxy$/i;

const secretRef = () => z.strictObject({ secret: text }, { error: 'must be a text, or { secret: NAME }' });
const variableValue = () =>
  z.union([scalarText, z.null(), secretRef()], {
    error: 'must be text, a number, a boolean or { secret: NAME }',
  });

const filesSchema = (mayBe: z.ZodType<FileForm>): z.ZodType<readonly FileForm[]> =>
  z
    .union([text, z.array(z.union([text, mayBe], { error: 'must be a path, or a mapping with path and required' }))], {
      error: 'must be a path or a list of paths',
    })
    .transform((value) => [value].flat());

interface FileMap {
  readonly path: string;
  readonly required?: boolean | undefined;
  readonly format?: 'raw' | undefined;
}
type FileForm = string | FileMap;

const fileMap = () =>
  z.strictObject({
    path: text,
    required: flag.optional(),
    format: z.literal('raw', { error: 'must be raw, or left out' }).optional(),
  });

/** Variables, labels and other pairs. Files stand after what overrides them, which their values may name. */
export const environmentKeys: readonly ServiceKey[] = [
  containerKey<Readonly<Record<string, unknown>>, Variables>({
    name: 'environment',
    doc: "Variables of the process: a mapping or a list of NAME=value. `{ secret: NAME }` takes one of the playbook's secrets, which then appears in no command line. A name without a value takes the controller's variable.",
    schema: () =>
      z
        .union([z.record(z.string(), variableValue()), z.array(z.string({ error: 'must be NAME=value' }))], {
          error: 'must be a mapping, or a list of NAME=value',
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
  draftKey<readonly FileForm[]>({
    name: 'env_file',
    doc: 'Files of variables at the controller, beside the playbook, as Compose reads them: NAME=value, quotes, several lines, `${NAME:-default}`; with `format: raw` every line as it stands. `environment` overrides them; with `required: false` a missing one is passed over.',
    schema: () => filesSchema(fileMap()),
    apply: (files, draft, scope) => {
      const own = (draft.spec['environment'] ?? {}) as Variables;
      const into = new Map<string, string>();
      // What the service writes itself may be named, and so may what stands before it in the files.
      for (const [name, value] of Object.entries(own)) if (typeof value === 'string') into.set(name, value);
      readFiles(files, into, scope);
      for (const name of into.keys()) checkName(name, scope);
      const variables = sorted({ ...Object.fromEntries(into), ...own });
      if (Object.keys(variables).length > 0) draft.spec['environment'] = variables;
    },
  }),
  containerKey<Readonly<Record<string, string | null>>, Readonly<Record<string, string>>>({
    name: 'labels',
    doc: 'Labels of the container: a mapping or a list of NAME=value. Names that start with `rollout.` are taken.',
    schema: () => textMap,
    canonical: (written, scope) => {
      for (const name of Object.keys(written)) checkLabel(name, scope);
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
  draftKey<readonly FileForm[]>({
    name: 'label_file',
    doc: 'Files of labels at the controller, beside the playbook, written as those of `env_file`. `labels` overrides them.',
    schema: () => filesSchema(text),
    apply: (files, draft, scope) => {
      const into = new Map<string, string>();
      readFiles(files, into, scope);
      for (const name of into.keys()) checkLabel(name, scope);
      const labels = sorted({ ...Object.fromEntries(into), ...(draft.spec['labels'] as Record<string, string>) });
      if (Object.keys(labels).length > 0) draft.spec['labels'] = labels;
    },
  }),
  containerKey<Readonly<Record<string, string | null>>, Readonly<Record<string, string>>>({
    name: 'annotations',
    doc: 'OCI annotations, passed to the runtime. Needs docker 24 or later on the host.',
    schema: () => textMap,
    canonical: (written) => unlessEmpty(sorted(withoutNulls(written))),
    create: (pairs, sink) =>
      Object.entries(pairs).forEach(([name, value]) => sink.option('annotation', `${name}=${value}`)),
    read: (container) => unlessEmpty(sorted(container.textMap('HostConfig.Annotations'))),
  }),
];

function checkName(name: string, scope: KeyScope): void {
  if (!/^[^\s=#][^\s=]*$/.test(name) || name.includes('\0'))
    scope.problem([name], `is not a variable's name; got ${JSON.stringify(name)}`);
}

/** `undefined` where the variable stays unset: a null that the controller does not have, or a problem. */
function resolveVariable(name: string, value: unknown, scope: KeyScope): string | Secret | undefined {
  if (value === null) return scope.context.environmentVariable?.(name);
  if (typeof value === 'string') {
    if (value.includes('\0')) scope.problem([name], 'holds a NUL character, which no process can receive');
    return value;
  }
  const { secret: secretName } = value as z.infer<ReturnType<typeof secretRef>>;
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

function checkLabel(name: string, scope: KeyScope): void {
  if (name === '') scope.problem([], 'has a label without a name');
  if (/\s/.test(name)) scope.problem([name], `must not have a space in its name; got ${JSON.stringify(name)}`);
  if (name.startsWith('rollout.')) scope.problem([name], 'is a label that rollout sets itself; choose another name');
}

function readFiles(files: readonly FileForm[], into: Map<string, string>, scope: KeyScope): void {
  for (const [index, file] of files.entries()) {
    const { path, required, format }: FileMap = typeof file === 'string' ? { path: file } : file;
    const content = scope.context.readFile(path);
    if (content === undefined) {
      if (required === false) continue;
      const found = JSON.stringify(path);
      scope.problem(
        [index],
        `cannot be read; got ${found}. Write it as { path: …, required: false } if it may be missing`,
      );
      continue;
    }
    const read = format === 'raw' ? readRawVariables : readDotenv;
    read(content, {
      lookup: (name) => scope.context.environmentVariable?.(name),
      into,
      report: (line, message) => scope.problem([index], `${path}:${line}: ${message}`),
    });
  }
}

function environmentOf(document: Inspected): Record<string, string> {
  return Object.fromEntries(document.texts('Config.Env').map((pair) => [splitPair(pair)[0], splitPair(pair)[1] ?? '']));
}

function withoutNulls(map: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, value ?? '']));
}
