import { Environment } from 'minijinja-js';
import { analyseExpression, analyseTemplate, guardFilters, type Analysis, type Reference } from './analyse.ts';
import { plain } from './filter.ts';
import { ansibleFilters } from './filters.ts';
import { ansibleTests } from './tests.ts';

/** What goes wrong in a template: what, and where in its text. */
export interface TemplateProblem {
  readonly message: string;
  /** Offsets in the template. */
  readonly start: number;
  readonly end: number;
}

/** A template that can be evaluated; `problem` tells what is wrong with it whatever the variables are. */
export interface Template extends Analysis {
  readonly text: string;
  readonly problem: TemplateProblem | undefined;
  /** What it gave for the values that it was given; filled by whoever evaluates it. */
  readonly results: Map<string, unknown>;
}

export type Evaluation =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'missing'; readonly references: readonly Reference[] }
  | { readonly kind: 'failed'; readonly message: string };

/** Fetches one variable of another host, for `hostvars`. */
export type ReadHostvar = (host: unknown, name: unknown) => { readonly value: unknown } | undefined;

/** Steps that one evaluation may take: a loop in a template must end. */
const maxFuel = 5_000_000;

/** Compiles templates, each text once, and evaluates them, strict about every name. */
export class TemplateEngine {
  readonly #templates = new Map<string, Template>();
  // `hostvars` evaluates templates in the middle of another one, and minijinja takes no call while it is in one.
  readonly #evaluators: Evaluator[] = [];
  #depth = 0;

  /** Text with `{{ }}` in it. */
  compile(text: string): Template {
    return this.#compiled(`t${text}`, text, () => analyseTemplate(text), text, 0);
  }

  /** The text of a whole file: what it gives is text, also where it is one expression. */
  compileFile(text: string): Template {
    const analyse = (): Analysis => {
      const { soleExpression, guarded, ...analysis } = analyseTemplate(text);
      return { ...analysis, guarded: soleExpression ? `{{ ${guarded} }}` : guarded, soleExpression: false };
    };
    return this.#compiled(`f${text}`, text, analyse, text, 0);
  }

  /** An expression without braces. */
  compileExpression(text: string): Template {
    return this.#compiled(`e${text}`, text, () => analyseExpression(text), `{{ ${text} }}`, 3);
  }

  /** Values are plain data: what minijinja cannot take (functions, symbols) must not be among them. */
  evaluate(template: Template, context: Readonly<Record<string, unknown>>, readHostvar: ReadHostvar): Evaluation {
    const evaluator = (this.#evaluators[this.#depth] ??= new Evaluator());
    this.#depth++;
    try {
      return evaluator.evaluate(template, context, readHostvar);
    } finally {
      this.#depth--;
    }
  }

  #compiled(key: string, text: string, analyse: () => Analysis, checked: string, shift: number): Template {
    let template = this.#templates.get(key);
    if (template === undefined) {
      const analysis = analyse();
      const problem = syntaxProblem(checked, shift) ?? unsupportedProblem(analysis);
      template = { ...analysis, text, problem, results: new Map() };
      this.#templates.set(key, template);
    }
    return template;
  }
}

/** minijinja with Ansible's filters, for one evaluation at a time. */
class Evaluator {
  readonly #missing = new Set<number>();
  #environment: Environment | undefined;
  #reported: string | undefined;
  #readHostvar: ReadHostvar = () => undefined;

  evaluate(template: Template, context: Readonly<Record<string, unknown>>, readHostvar: ReadHostvar): Evaluation {
    this.#missing.clear();
    this.#reported = undefined;
    this.#readHostvar = readHostvar;
    try {
      const value = this.#run(template, context);
      return this.#failure(template) ?? { kind: 'value', value };
    } catch (error) {
      // A panic inside WebAssembly leaves the environment unusable.
      if (error instanceof Error && error.name === 'RuntimeError') this.#environment = undefined;
      return this.#failure(template) ?? { kind: 'failed', message: shortMessage(error) };
    }
  }

  #run(template: Template, context: Readonly<Record<string, unknown>>): unknown {
    const environment = (this.#environment ??= this.#createEnvironment());
    if (!template.soleExpression) return environment.renderStr(template.guarded, context);
    const value = environment.evalExpr(template.guarded, context) as unknown;
    // None and an undefined result both come as undefined; printing tells them apart, since strict mode refuses the latter.
    if (value === undefined) environment.renderStr(`{{ ${template.guarded} }}`, context);
    return plain(value);
  }

  #failure(template: Template): Evaluation | undefined {
    const references = template.references.filter((_, number) => this.#missing.has(number));
    if (references.length > 0) return { kind: 'missing', references };
    return this.#reported === undefined ? undefined : { kind: 'failed', message: this.#reported };
  }

  #createEnvironment(): Environment {
    const environment = new Environment();
    environment.undefinedBehavior = 'strict';
    environment.keepTrailingNewline = true;
    // As Ansible, which sets it for every template.
    environment.trimBlocks = true;
    environment.fuel = maxFuel;
    environment.enablePyCompat();
    environment.addFilter(guardFilters.missing, (number: unknown) => {
      this.#missing.add(Number(number));
      return null;
    });
    environment.addFilter(
      guardFilters.hostvar,
      (host: unknown, name: unknown) => this.#hostvar(host, name)?.value ?? null,
    );
    environment.addFilter(
      guardFilters.hasHostvar,
      (host: unknown, name: unknown) => this.#hostvar(host, name) !== undefined,
    );
    for (const [name, filter] of Object.entries(ansibleFilters))
      environment.addFilter(name, (...args: unknown[]) =>
        this.#applyFilter(name, () => filter(this.#report(name), args[0], ...args.slice(1))),
      );
    for (const [name, test] of Object.entries(ansibleTests))
      environment.addTest(
        name,
        (...args: unknown[]) =>
          this.#applyFilter(name, () => test(this.#report(name), args[0], ...args.slice(1))) === true,
      );
    return environment;
  }

  #report(name: string): (message: string) => void {
    return (message) => {
      this.#reported ??= `${name}: ${message}`;
    };
  }

  // An exception that crosses into WebAssembly breaks the environment for good, so none may.
  #applyFilter(name: string, apply: () => unknown): unknown {
    try {
      return apply();
    } catch (error) {
      this.#report(name)((error as Error).message);
      return null;
    }
  }

  #hostvar(host: unknown, name: unknown): { readonly value: unknown } | undefined {
    return this.#applyFilter('hostvars', () => this.#readHostvar(host, name)) as
      { readonly value: unknown } | undefined;
  }
}

// One for all templates: making one takes longer than checking most of them.
let checker: Environment | undefined;

/** The problem of a template that does not parse, found by minijinja itself, which marks the place below the line. */
function syntaxProblem(template: string, shift: number): TemplateProblem | undefined {
  checker ??= new Environment();
  checker.debug = true;
  try {
    checker.addTemplate('t', template);
    return undefined;
  } catch (error) {
    // A panic inside WebAssembly leaves the environment unusable.
    if (error instanceof Error && error.name === 'RuntimeError') checker = undefined;
    const text = error instanceof Error ? error.message : String(error);
    const line = Number(/\(in t:(\d+)\)/.exec(text)?.[1] ?? 1);
    const caret = /^ *i ( *)(\^+)/m.exec(text);
    const lineStart = template
      .split('\n')
      .slice(0, line - 1)
      .reduce((sum, before) => sum + before.length + 1, 0);
    const start = Math.max(0, Math.min(lineStart + (caret?.[1]?.length ?? 0), template.length) - shift);
    return { message: shortMessage(error), start, end: start + (caret?.[2]?.length ?? 1) };
  }
}

function unsupportedProblem({ unsupported }: Analysis): TemplateProblem | undefined {
  return unsupported === undefined
    ? undefined
    : { message: unsupported.message, start: unsupported.start, end: unsupported.start + 1 };
}

/** minijinja's first line, without the place in a text that nobody has seen. */
function shortMessage(error: unknown): string {
  const [first = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  const message = first.replace(/^Error: /, '').replace(/ \(in [^()]*\)$/, '');
  const lookup = /^unknown function: (\w+) is unknown$/.exec(message)?.[1];
  if (lookup === 'lookup' || lookup === 'query')
    return `${lookup}() is not supported: a value from outside belongs under secrets, as name: { env: NAME }, { file: PATH } or { command: […] }`;
  if (/fuel/.test(message)) return 'it takes too long: a loop in it does not end soon enough';
  return message;
}
