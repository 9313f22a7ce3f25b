import type { z } from 'zod';
import type { ImageRef } from '../model/image.ts';
import type { Secret } from '../model/secret.ts';
import type { Canonical, Dependency, Probe, Service, ServiceSpec } from '../model/service.ts';
import type { ServiceContext } from './context.ts';
import { explainIssues, type ValueProblem } from '../schema/explain.ts';
import { parseWith } from '../schema/parse.ts';
import type { Inspected } from './inspected.ts';

/** A key of a service: one entry of the table, all that rollout knows of it. */
export interface ServiceKey {
  readonly name: string;
  /** What it does, in a sentence or two: the reference page and the JSON Schema print it. */
  readonly doc: string;
  /** What may be written: short and long forms. */
  readonly schema: z.ZodType;
  /** Enters a written value into the draft, or reports what is wrong with it. */
  enter(written: unknown, draft: Draft, scope: KeyScope): void;
  /** Absent for keys that shape the update and not the container. */
  readonly container?: ContainerPart;
}

/** How a canonical value becomes part of a container, and is seen again in one. */
export interface ContainerPart<Value extends Canonical = Canonical, Seen extends Canonical = Value> {
  create(value: Value, sink: CreateSink): void;
  /**
   * The value that a container has; `undefined` for docker's default. `desired` is for keys whose default depends on
   * the host: docker's own choice then reads as what was asked for.
   */
  read(container: Inspected, desired: Value | undefined, image: Inspected): Seen | undefined;
  /** What an image gives to its containers. Set aside before values are compared. */
  inherited?(image: Inspected): Seen | undefined;
  /** `docker update` arguments that bring a running container to `value`; `undefined` where only a new container can. */
  live?(value: Value | undefined, spec: ServiceSpec): readonly string[] | undefined;
  /** Docker changes it while the container lives (`docker update`, `network connect`), so that it can drift. */
  readonly mutable?: true;
  /** Docker drops the setting, with a warning, on kernels that lack the feature: a default is then no drift. */
  readonly discardable?: true;
  /** What is compared where it is not the value itself: a file by its path on the host, which follows its content. */
  comparable?(value: Value, pathOf: CreateSink['file']): Seen;
  /** As a playbook may write it, where the canonical form is no writing of the key. */
  write?(value: Value): unknown;
  /** For people, where the value's own text says too little. */
  format?(value: Value): string;
}

/** Collects what `docker create` takes. Every option is one word, `--name=value`. */
export interface CreateSink {
  option(name: string, value?: string): void;
  environment(name: string, value: string | Secret): void;
  /** Words after the image. */
  words(words: readonly string[]): void;
  /** A network to join; the first one at create, the others before the start. */
  network(name: string, options: readonly (readonly [string, string])[]): void;
  /** A file to lay on the host, for a key such as `configs`; returns its path there. */
  file(key: string, content: string | Secret, access: FileAccess): string;
}

export interface FileAccess {
  /** Octal digits, as `0400`. */
  readonly mode: string;
  readonly uid: string;
  readonly gid: string;
}

/** A service while its keys are entered. */
export interface Draft {
  readonly spec: Record<string, Canonical>;
  image: ImageRef | undefined;
  containerName: string | undefined;
  pullPolicy: Service['pullPolicy'];
  dependsOn: Dependency[];
  stopGraceMs: number;
  probe: Probe | undefined;
  profiles: readonly string[];
  scale: number;
  renewsVolumes: boolean;
}

/** What an entry may ask and say while a value is entered. */
export interface KeyScope {
  /** The key under `services`. */
  readonly service: string;
  readonly context: ServiceContext;
  /** What the keys before this one have entered. */
  readonly spec: ServiceSpec;
  /** `path` is relative to the key's value. */
  problem(path: readonly (string | number)[], message: string, of?: ValueProblem['of']): void;
  /** The secret of this name; reports a problem when there is none. */
  secret(name: string, path: readonly (string | number)[]): Secret | undefined;
}

/** A key that becomes part of the container. */
export function containerKey<Written, Value extends Canonical, Seen extends Canonical = Value>(
  key: ContainerPart<Value, Seen> & {
    readonly name: string;
    readonly doc: string;
    readonly schema: () => z.ZodType<Written>;
    /** The one form that short and long ones share; `undefined` for docker's default. Without it: what the schema yields. */
    canonical(written: Written, scope: KeyScope): Value | undefined;
    /** An empty text is as good as none, as in Compose: a variable that has nothing in it. */
    readonly blank?: 'default';
    /** Joins a value with one that another key has entered. Without it two different values are a problem. */
    join?(earlier: Value, later: Value): Value;
  },
): ServiceKey {
  const schema = once(key.schema);
  return {
    name: key.name,
    doc: key.doc,
    get schema() {
      return schema();
    },
    container: key,
    enter: (written, draft, scope) => {
      if (written === '' && key.blank === 'default') return;
      enterChecked(schema(), written, scope, (checked, innerScope) => {
        const value = key.canonical(checked, innerScope);
        if (value === undefined) return;
        const earlier = draft.spec[key.name] as Value | undefined;
        draft.spec[key.name] = earlier === undefined || key.join === undefined ? value : key.join(earlier, value);
      });
    },
  };
}

/** A key that shapes the update, or that is another way to write container keys. */
export function draftKey<Written>(key: {
  readonly name: string;
  readonly doc: string;
  readonly schema: () => z.ZodType<Written>;
  apply(written: Written, draft: Draft, scope: KeyScope): void;
}): ServiceKey {
  const schema = once(key.schema);
  return {
    name: key.name,
    doc: key.doc,
    get schema() {
      return schema();
    },
    enter: (written, draft, scope) =>
      enterChecked(schema(), written, scope, (checked, innerScope) => key.apply(checked, draft, innerScope)),
  };
}

/** A schema is made when a file has its key: making those of all keys takes longer than all else of reading a playbook. */
function once<Value>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => (made ??= make());
}

/**
 * Enters what the schema lets through. When it complains of some entries of a list or map, the others are entered all
 * the same, so that what is wrong with them is reported in the same run.
 */
function enterChecked<Written>(
  schema: z.ZodType<Written>,
  written: unknown,
  scope: KeyScope,
  enter: (checked: Written, scope: KeyScope) => void,
): void {
  const result = parseWith(schema, written);
  if (result.success) {
    enter(result.data, scope);
    return;
  }
  const problems = explainIssues(schema, result.error.issues, written);
  for (const { path, message, of } of problems) scope.problem(path, message, of);
  const rest = withoutEntries(written, new Set(problems.map(({ path }) => path[0])));
  const retried = rest === undefined ? undefined : parseWith(schema, rest.value);
  if (rest === undefined || retried?.success !== true) return;
  enter(retried.data, {
    ...scope,
    problem: ([first, ...path], message, of) =>
      scope.problem(first === undefined ? [] : [rest.keys[first] ?? first, ...path], message, of),
  });
}

/** A list or map without some entries, and what each entry that is left was called before. */
function withoutEntries(
  value: unknown,
  dropped: ReadonlySet<string | number | undefined>,
): { readonly value: unknown; readonly keys: Readonly<Record<string, number>> } | undefined {
  if (typeof value !== 'object' || value === null || dropped.has(undefined)) return undefined;
  if (!Array.isArray(value)) {
    return { value: Object.fromEntries(Object.entries(value).filter(([key]) => !dropped.has(key))), keys: {} };
  }
  const kept = [...value.keys()].filter((index) => !dropped.has(index));
  return { value: kept.map((index) => (value as readonly unknown[])[index]), keys: Object.fromEntries(kept.entries()) };
}
