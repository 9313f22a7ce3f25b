import type { Value } from '../../model/host.ts';
import type { Problem } from '../../model/problem.ts';
import { Secret } from '../../model/secret.ts';
import { placeOf, placeOfKey, rememberOrigin } from '../text/origins.ts';
import { SealedSecret } from '../text/sealed-secret.ts';
import type { Place, Source } from '../text/source.ts';
import { didYouMean } from '../../model/closest.ts';
import { setOwn } from '../text/yaml.ts';
import { concealed, revealed, secretIn } from './confidential.ts';
import { contextOf, type Found } from './context.ts';
import { joinPath, offsetIn, problemAt, type Site } from './site.ts';
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

/** Text that drops the entry that it is the value of: `{{ x | default(omit) }}`. */
const omitted = '__rollout_omit__';

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
    if (value instanceof SealedSecret) throw new TemplateFailure([value.problem]);
    if (typeof value !== 'object' || value === null || value instanceof Secret || !hasTemplates(value)) return value;
    const known = this.#rendered.get(value);
    if (known !== undefined) return known;
    const rendered = Array.isArray(value)
      ? this.#renderList(value as readonly Value[], site)
      : this.#renderMapping(value as Record<string, Value>, site);
    this.#rendered.set(value, rendered);
    return rendered;
  }

  /** The text of a whole file; a secret where it uses one. @throws TemplateFailure */
  renderFile(source: Source): string | Secret {
    const site = { place: { source, start: 0, end: source.text.length }, path: '' };
    const value = this.#evaluate(this.#engine.compileFile(source.text), site);
    if (value instanceof Secret || typeof value === 'string') return value;
    return JSON.stringify(value);
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
    rememberOrigin(rendered, (key, wantsKey) => (wantsKey ? placeOfKey : placeOf)(mapping, key));
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
    // What a template has given is data: a text in it that looks like a template may be somebody else's.
    let isData = variable.isData === true;
    for (const [index, step] of path.entries()) {
      if (!isData && typeof value === 'string' && isTemplate(value)) {
        const template = value;
        value = this.#guardLoop(value, site, () => this.render(template, site));
        isData = true;
      }
      const inner = member(value, step);
      if (inner === undefined) return { missingStep: index + 1, parent: value };
      const container = value as object;
      site = { place: placeOf(container, step) ?? site.place, path: joinPath(site.path, step) };
      value = inner.value;
    }
    return { value: isData ? value : this.#guardLoop(value, site, () => this.render(value, site)) };
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

const templated = new WeakMap<object, boolean>();

/** Whether any text in a list or mapping is a template, or a secret that cannot be read; found out once. */
export function hasTemplates(value: object): boolean {
  if (value instanceof Secret) return value instanceof SealedSecret;
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
