import type { Value } from '../../model/host.ts';
import type { Problem } from '../../model/problem.ts';
import { Secret } from '../../model/secret.ts';
import { placeOf, rememberOrigin } from '../text/origins.ts';
import { Source, type Place } from '../text/source.ts';
import { didYouMean } from '../text/suggest.ts';
import { setOwn } from '../text/yaml.ts';
import type { Reference } from './analyse.ts';
import type { Template, TemplateEngine, TemplateProblem } from './engine.ts';
import { forEachRendered, TemplateFailure } from './failure.ts';
import { isTemplate } from './tokens.ts';

/** A variable: its value as written, and where; `isData` for what came from a host and is never rendered. */
export interface Variable {
  readonly value: Value;
  readonly place?: Place | undefined;
  readonly isData?: boolean;
}

/** Where a scope finds its variables. */
export interface Variables {
  get(name: string): Variable | undefined;
  names(): Iterable<string>;
  /** A variable of another host, rendered with that host's scope. */
  hostvar?(host: string, name: string): Value | undefined;
}

/** Where a template stands, for errors: its place, and its path in the file (`plays[0].hosts`). */
export interface Site {
  readonly place: Place | undefined;
  readonly path: string;
}

/** Text that drops the entry that it is the value of: `{{ x | default(omit) }}`. */
const omitted = '__rollout_omit__';

type Found = { readonly value: Value } | { readonly missingStep: number; readonly parent: Value | undefined };

/**
 * Renders with one set of variables: those of a play, or of one host. Variables may be templates themselves and are
 * rendered when they are used, as in Ansible. What depends on a secret is a secret.
 */
export class Scope {
  readonly #engine: TemplateEngine;
  readonly #variables: Variables;
  readonly #rendered = new Map<object, Value>();
  readonly #open: { readonly key: string; readonly name: string }[] = [];

  constructor(engine: TemplateEngine, variables: Variables) {
    this.#engine = engine;
    this.#variables = variables;
  }

  /** A value with every template in it rendered. @throws TemplateFailure */
  render(value: Value, site: Site): Value {
    if (typeof value === 'string') return isTemplate(value) ? this.#evaluate(this.#engine.compile(value), site) : value;
    if (typeof value !== 'object' || value === null || value instanceof Secret || !hasTemplates(value)) return value;
    const known = this.#rendered.get(value);
    if (known !== undefined) return known;
    const rendered = Array.isArray(value)
      ? this.#renderList(value as readonly Value[], site)
      : this.#renderMapping(value as Record<string, Value>, site);
    this.#rendered.set(value, rendered);
    return rendered;
  }

  /** An expression without braces. @throws TemplateFailure */
  evaluate(expression: string, site: Site): Value {
    return this.#evaluate(this.#engine.compileExpression(expression), site);
  }

  /** A variable, rendered; undefined where there is none. @throws TemplateFailure */
  variable(name: string): Value | undefined {
    const found = this.#resolve({ root: name, path: [] });
    return 'value' in found ? found.value : undefined;
  }

  #renderList(list: readonly Value[], { path, place }: Site): Value {
    const rendered: Value[] = [];
    forEachRendered(list.entries(), ([index, item]) => {
      const value = this.render(item, { path: `${path}[${index}]`, place: placeOf(list, index) ?? place });
      if (value !== omitted) rendered.push(value);
    });
    rememberOrigin(rendered, (key) => placeOf(list, key));
    return rendered;
  }

  #renderMapping(mapping: Readonly<Record<string, Value>>, { path, place }: Site): Value {
    const rendered: Record<string, Value> = {};
    forEachRendered(Object.entries(mapping), ([key, item]) => {
      const value = this.render(item, { path: joinPath(path, key), place: placeOf(mapping, key) ?? place });
      if (value !== omitted) setOwn(rendered, key, value);
    });
    rememberOrigin(rendered, (key) => placeOf(mapping, key));
    return rendered;
  }

  #evaluate(template: Template, site: Site): Value {
    if (template.problem !== undefined) throw new TemplateFailure([this.#problem(template, template.problem, site)]);
    const found = template.references.map((reference) => this.#resolve(reference));
    const key = template.usesHostvars ? undefined : found.map(identityOf).join('\0');
    if (key !== undefined && template.results.has(key)) return template.results.get(key) as Value;
    const value = this.#compute(template, found, site);
    if (key !== undefined) template.results.set(key, value);
    return value;
  }

  #compute(template: Template, found: readonly Found[], site: Site): Value {
    const [first] = found;
    const isPlain = template.references.length === 1 && template.soleExpression && isWhole(template);
    // One variable and nothing else needs no engine, and a secret stays the secret that it is.
    if (isPlain && first !== undefined && 'value' in first) return first.value;
    const secret = secretIn(found.map((item) => ('value' in item ? item.value : null)));
    const result = this.#engine.evaluate(template, contextOf(template.references, found), (host, name) => {
      const value = this.#hostvar(String(host), String(name));
      return value === undefined ? undefined : { value: revealed(value) };
    });
    switch (result.kind) {
      case 'missing':
        throw new TemplateFailure(
          result.references
            .flatMap((reference) => this.#describeMissing(template, reference))
            .map((problem) => this.#problem(template, problem, site)),
        );
      case 'failed':
        throw new TemplateFailure([
          this.#problem(template, { message: result.message, start: 0, end: template.text.length }, site),
        ]);
      case 'value':
        return secret === undefined ? (result.value as Value) : concealed(result.value as Value, secret);
    }
  }

  #resolve({ root, path }: Pick<Reference, 'root' | 'path'>): Found {
    if (root === 'omit' && path.length === 0) return { value: omitted };
    const variable = this.#variables.get(root);
    if (variable === undefined) return { missingStep: 0, parent: undefined };
    let value = variable.value;
    let site: Site = { place: variable.place, path: root };
    for (const [index, step] of path.entries()) {
      value = this.#renderLevel(value, site, variable);
      const inner = member(value, step);
      if (inner === undefined) return { missingStep: index + 1, parent: value };
      const container = value as object;
      site = { place: placeOf(container, step) ?? site.place, path: joinPath(site.path, step) };
      value = inner.value;
    }
    return { value: variable.isData === true ? value : this.#guardLoop(value, site, () => this.render(value, site)) };
  }

  /** A variable on the way to one of its parts: only a template that gives the container itself is rendered. */
  #renderLevel(value: Value, site: Site, variable: Variable): Value {
    if (variable.isData === true || typeof value !== 'string' || !isTemplate(value)) return value;
    return this.#guardLoop(value, site, () => this.render(value, site));
  }

  #guardLoop(value: Value, site: Site, render: () => Value): Value {
    if (
      typeof value !== 'string'
        ? typeof value !== 'object' || value === null || !hasTemplates(value)
        : !isTemplate(value)
    )
      return value;
    const key = `${site.path}\0${site.place?.source.file ?? ''}\0${site.place?.start ?? 0}`;
    if (this.#open.some((open) => open.key === key)) {
      const way = [...this.#open.map(({ name }) => name), site.path].join(' → ');
      throw new TemplateFailure([problemAt(site, site.place?.start ?? 0, `this variable needs itself: ${way}`)]);
    }
    this.#open.push({ key, name: site.path });
    try {
      return render();
    } finally {
      this.#open.pop();
    }
  }

  #hostvar(host: string, name: string): Value | undefined {
    return this.#variables.hostvar?.(host, name);
  }

  #describeMissing(template: Template, reference: Reference): TemplateProblem {
    const written = template.text.slice(reference.start, reference.end);
    const { start, end } = reference;
    if (reference.root === 'hostvars')
      return {
        message: `'${written}' is undefined: that host, or that variable of it, is not in the inventory`,
        start,
        end,
      };
    const found = this.#resolve(reference);
    if ('value' in found) return { message: `'${written}' is undefined`, start, end };
    if (found.missingStep === 0)
      return {
        message: `'${reference.root}' is undefined${didYouMean(reference.root, this.#variables.names())}`,
        start,
        end,
      };
    const step = String(reference.path[found.missingStep - 1] ?? '');
    const above = reference.path.slice(0, found.missingStep - 1).reduce<string>(joinPath, reference.root);
    if (Array.isArray(found.parent))
      return { message: `'${written}' is undefined: ${above} has ${found.parent.length} items`, start, end };
    const known = typeof found.parent === 'object' && found.parent !== null ? Object.keys(found.parent) : [];
    return { message: `'${written}' is undefined: ${above} has no ${step}${didYouMean(step, known)}`, start, end };
  }

  #problem(template: Template, problem: TemplateProblem, site: Site): Problem {
    return problemAt(site, offsetIn(site.place, template.text, problem), problem.message);
  }
}

/** `a.b`, `a[0]`: a path as configuration errors write it. */
export function joinPath(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  if (!/^[\p{L}\p{N}_*-]+$/u.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}

function problemAt(site: Site, offset: number, message: string): Problem {
  const source = site.place?.source ?? new Source('<computed>', '');
  return source.problem(offset, site.path, message);
}

/**
 * The offset in the file of something inside a template. Quotes, escapes and folded lines lie between the two, so the
 * words are looked for in the text as it was written: the same occurrence of them.
 */
function offsetIn(place: Place | undefined, template: string, { start, end }: TemplateProblem): number {
  if (place === undefined) return 0;
  const words = template.slice(start, end);
  const written = place.source.text.slice(place.start, place.end);
  if (words.trim() === '' || words === template) return place.start;
  const before = template.slice(0, start).split(words).length - 1;
  let at = -1;
  for (let occurrence = 0; occurrence <= before; occurrence++) at = written.indexOf(words, at + 1);
  return at === -1 ? place.start : place.start + at;
}

const templated = new WeakMap<object, boolean>();

/** Whether any text in a list or mapping is a template; found out once. */
export function hasTemplates(value: object): boolean {
  let result = templated.get(value);
  if (result === undefined) {
    result = Object.values(value).some((item: unknown) =>
      typeof item === 'string' ? isTemplate(item) : typeof item === 'object' && item !== null && hasTemplates(item),
    );
    templated.set(value, result);
  }
  return result;
}

function member(value: Value, step: string | number): { readonly value: Value } | undefined {
  if (typeof value !== 'object' || value === null || value instanceof Secret) return undefined;
  if (Array.isArray(value)) {
    const item = typeof step === 'number' ? (value as readonly Value[])[step] : undefined;
    return item === undefined ? undefined : { value: item };
  }
  const mapping = value as Readonly<Record<string, Value>>;
  const key = String(step);
  return Object.hasOwn(mapping, key) ? { value: mapping[key] ?? null } : undefined;
}

/** Only what the template uses goes to the engine: `groups.web` takes no other group along. */
function contextOf(references: readonly Reference[], found: readonly Found[]): Record<string, unknown> {
  const context: Record<string, unknown> = {};
  const whole = new Set(references.filter(({ path }) => path.length === 0).map(({ root }) => root));
  for (const [index, reference] of references.entries()) {
    const item = found[index];
    if (item === undefined || !('value' in item)) {
      if (item !== undefined && item.missingStep > 0 && !(reference.root in context)) context[reference.root] = {};
      continue;
    }
    const value = revealed(item.value);
    if (reference.path.length === 0) setOwn(context, reference.root, value);
    else if (!whole.has(reference.root)) place(context, [reference.root, ...reference.path], value);
  }
  return context;
}

function place(context: Record<string, unknown>, path: readonly (string | number)[], value: unknown): void {
  let at = context;
  for (const [index, step] of path.entries()) {
    const key = String(step);
    if (index === path.length - 1) {
      setOwn(at, key, value);
      return;
    }
    const next = Object.hasOwn(at, key) ? at[key] : undefined;
    const inner: Record<string, unknown> = isRecord(next) ? { ...next } : {};
    setOwn(at, key, typeof path[index + 1] === 'number' && !isRecord(next) ? [] : inner);
    at = at[key] as Record<string, unknown>;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** `{{ x }}` or `{{ x.y }}` alone. */
function isWhole({ text, references }: Template): boolean {
  const inner = text.replace(/^\{\{[-+]?\s*|\s*[-+]?\}\}$/g, '').trim();
  const [only] = references;
  return only !== undefined && inner === text.slice(only.start, only.end);
}

const identities = new WeakMap<object, number>();
let nextIdentity = 0;

/** A key that is the same only for the same value. */
function identityOf(found: Found): string {
  if (!('value' in found)) return `missing ${found.missingStep}`;
  const { value } = found;
  if (typeof value !== 'object' || value === null) return `${typeof value} ${String(value)}`;
  let identity = identities.get(value);
  if (identity === undefined) identities.set(value, (identity = nextIdentity++));
  return `# ${identity}`;
}

const secretsInside = new WeakMap<object, Secret | false>();

function secretIn(value: Value): Secret | undefined {
  if (value instanceof Secret) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  let known = secretsInside.get(value);
  if (known === undefined) {
    known = false;
    for (const item of Object.values<Value>(value as Record<string, Value>)) {
      const secret = secretIn(item);
      if (secret !== undefined) {
        known = secret;
        break;
      }
    }
    secretsInside.set(value, known);
  }
  return known === false ? undefined : known;
}

/** The value as templates compute with it. */
function revealed(value: Value): unknown {
  if (value instanceof Secret) return value.reveal();
  if (secretIn(value) === undefined) return value;
  if (Array.isArray(value)) return (value as readonly Value[]).map(revealed);
  return Object.fromEntries(Object.entries(value as Record<string, Value>).map(([key, item]) => [key, revealed(item)]));
}

/** Every text that came of a secret is one. */
function concealed(value: Value, secret: Secret): Value {
  if (typeof value === 'string') return value === '' ? value : new Secret(secret.name, value);
  if (Array.isArray(value)) return (value as readonly Value[]).map((item) => concealed(item, secret));
  if (typeof value !== 'object' || value === null || value instanceof Secret) return value;
  return Object.fromEntries(
    Object.entries(value as Record<string, Value>).map(([key, item]) => [key, concealed(item, secret)]),
  );
}
