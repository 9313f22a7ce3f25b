import type { Value } from '../../model/host.ts';
import { ConfigError, type Problem } from '../../model/problem.ts';
import { Secret } from '../../model/secret.ts';
import type { ModuleTask, SettledTask, TaskTest, TaskValues } from '../../model/task.ts';
import { isMapping, partAt, pathText, problemIn, type Part } from '../document.ts';
import { show } from '../../schema/show.ts';
import { parsePart } from '../shape.ts';
import type { Scope } from '../template/scope.ts';
import type { Site } from '../template/site.ts';
import { factsNamedIn } from '../../task/host-facts.ts';
import { Source } from '../text/source.ts';
import { holds } from './conditions.ts';
import { noSuchSecret } from './no-such-secret.ts';
import { without } from './sections.ts';
import { checkParams, writtenParams } from './task-params.ts';
import type { TaskParts } from './task-parts.ts';
import { NotKnownYet, worded } from './task-scopes.ts';
import {
  type Inherited,
  type TaskTemplate,
  type TaskHostContext,
  type TaskOfHost,
  nothing,
  type TaskOwn,
} from './task-of-host.ts';
import { placedAs, taskRegex, render, oneLine, unique } from './task-values.ts';
import { earlySchema, lateSchema } from './task-schema.ts';

export class ModuleTemplate implements TaskTemplate {
  readonly tags: readonly Part[];
  readonly #part: Part;
  readonly #named: TaskParts;
  readonly #inherited: Inherited;
  readonly #secrets: ReadonlyMap<string, Secret>;
  readonly #own: TaskOwn;

  constructor(part: Part, named: TaskParts, inherited: Inherited, own: TaskOwn) {
    this.#part = part;
    this.#named = named;
    this.#inherited = inherited;
    this.#own = own;
    this.#secrets = own.secrets;
    this.tags = own.tags;
  }

  get written(): { readonly part: Part; readonly parts: TaskParts } {
    return { part: this.#part, parts: this.#named };
  }

  get #site(): Site {
    const { place, path } = this.#part;
    return { place, path: pathText(path) };
  }

  for({ scopes, later, isSelected }: TaskHostContext): TaskOfHost {
    if (!isSelected(this.tags)) return nothing;
    const problems: Problem[] = [];
    const attempt = <Result>(what: () => Result): Result | undefined => {
      try {
        return worded(what);
      } catch (error) {
        if (error instanceof ConfigError) problems.push(...error.problems);
        else if (!(error instanceof NotKnownYet)) throw error;
        return undefined;
      }
    };
    const scopeOf = (values: TaskValues, unknown: ReadonlySet<string> = none): Scope =>
      scopes({ vars: this.#own.vars, values, later: unknown });
    const task = attempt(() => this.#task(scopeOf(empty, later), scopeOf));
    if (task === undefined) return { ...nothing, problems };
    // What can be known before the run is found out now, so that nothing is touched where it is wrong.
    const isHeld = attempt(() => this.#holds(scopeOf(empty, new Set([...later, ...loopNames(task)]))));
    if (isHeld === false) return { ...nothing, problems, skipped: task.register === undefined ? [] : [task.register] };
    if (problems.length === 0) {
      const items = task.loop === undefined ? [undefined] : attempt(() => this.#items(scopeOf(empty, later)));
      for (const [index, item] of (items ?? [undefined]).slice(0, mostChecked).entries()) {
        const values = new Map<string, Value>();
        const unknown = new Set(later);
        if (task.loop !== undefined && items !== undefined) {
          values.set(task.loop.item, item ?? null);
          if (task.loop.index !== undefined) values.set(task.loop.index, index);
        } else for (const name of loopNames(task)) unknown.add(name);
        const scope = scopeOf(values, unknown);
        if (attempt(() => this.#holds(scope)) !== false) attempt(() => this.#settle(scope));
        for (const which of ['changed_when', 'failed_when', 'until'] as const) attempt(() => this.#test(which, scope));
      }
    }
    const name =
      (problems.length > 0
        ? undefined
        : attempt(() => this.#name(scopeOf(empty, new Set([...later, ...loopNames(task)]))))) ?? task.name;
    return { task: { ...task, name }, problems: unique(problems), skipped: [] };
  }

  #task(scope: Scope, scopeOf: (values: TaskValues) => Scope): ModuleTask {
    const found: Problem[] = [];
    const early = this.#rendered(scope, Object.keys(earlySchema.shape), ['run_once', 'no_log']);
    const settings = parsePart(earlySchema, early, { add: (problem) => found.push(problem) });
    if (settings === undefined) throw new ConfigError(found);
    const control = settings.loop_control;
    const isLoop = ['loop', 'with_items'].some((key) => partAt(this.#part, key).value !== null);
    const hasUntil = partAt(this.#part, 'until').value !== null;
    return {
      kind: 'module',
      name: this.#rawName(),
      module: this.#named.module.name,
      runOnce: settings.run_once,
      timeoutMs: settings.timeout,
      register: settings.register,
      loop: isLoop
        ? { item: control?.loop_var ?? 'item', index: control?.index_var, pauseMs: control?.pause ?? 0 }
        : undefined,
      tries: hasUntil ? (settings.retries === undefined ? 3 : settings.retries + 1) : undefined,
      delayMs: settings.delay,
      notify: settings.notify ?? [],
      listen: settings.listen ?? [],
      noLog: settings.no_log,
      ...this.#facts(),
      ask: {
        holds: (values) => worded(() => this.#holds(scopeOf(values))),
        items: (values) => (isLoop ? worded(() => this.#items(scopeOf(values))) : undefined),
        settle: (values) => worded(() => this.#settle(scopeOf(values))),
        test: (which, values) => worded(() => this.#test(which, scopeOf(values))),
        evaluate: (expression, values) => worded(() => scopeOf(values).evaluate(expression, this.#site)),
        condition: (expression, values) => worded(() => holds({ ...this.#part, value: expression }, scopeOf(values))),
        text: (text, file, values) => worded(() => scopeOf(values).renderFile(new Source(file, text))),
        controller: this.#own.controller,
        regex: taskRegex,
      },
    };
  }

  /** Names of the host's own variables that stand in it, or in the blocks around it. */
  #facts(): { readonly facts?: readonly string[] } {
    const written = [this.#part.value, ...this.#inherited.parts.map((part) => partAt(part, 'when').value)];
    const facts = factsNamedIn(JSON.stringify(written));
    return facts.length === 0 ? {} : { facts };
  }

  #holds(scope: Scope): boolean {
    return [...this.#inherited.parts, this.#part].every((part) => holds(partAt(part, 'when'), scope));
  }

  #items(scope: Scope): readonly Value[] {
    const isOld = partAt(this.#part, 'loop').value === null;
    const key = isOld ? 'with_items' : 'loop';
    const part = partAt(this.#part, key);
    const value = render(part, scope);
    if (!Array.isArray(value))
      throw new ConfigError([problemIn(part, [], `must give a list; it gives ${show(value)}`)]);
    const items = value as readonly Value[];
    return isOld
      ? items.flatMap((item): readonly Value[] => (Array.isArray(item) ? (item as readonly Value[]) : [item]))
      : items;
  }

  #test(which: TaskTest, scope: Scope): boolean | undefined {
    const part = partAt(this.#part, which);
    if (part.value === null) return undefined;
    // As Ansible: any of a list of failed_when is enough.
    if (which === 'failed_when' && Array.isArray(part.value))
      return part.value.some((_, index) => holds(partAt(part, index), scope));
    return holds(part, scope);
  }

  #settle(scope: Scope): SettledTask {
    const problems: Problem[] = [];
    const add = (problem: Problem): void => void problems.push(problem);
    const { module, key } = this.#named;
    const late = this.#rendered(scope, Object.keys(lateSchema.shape), [
      'become',
      'become_user',
      'delegate_to',
      'ignore_errors',
      'check_mode',
      'diff',
    ]);
    const settings = parsePart(lateSchema, without(late, ['environment']), { add });
    const label = partAt(this.#part, 'loop_control', 'label');
    const environment = this.#environment(scope, add);
    const own = { ...this.#part, value: this.#renderedParams(scope) };
    const checked = checkParams(own, key, module, { secrets: this.#secrets, isRendered: true });
    problems.push(...checked.problems);
    if (problems.length > 0 || settings === undefined) throw new ConfigError(unique(problems));
    return {
      name: settings.name ?? this.#name(scope),
      params: checked.params,
      environment,
      become: settings.become,
      becomeUser: settings.become_user,
      delegateTo: settings.delegate_to,
      label: label.value === null ? undefined : oneLine(render(label, scope)),
      ignoreErrors: settings.ignore_errors,
      checkMode: settings.check_mode,
      diff: settings.diff,
    };
  }

  /** The task's mapping with what its module takes rendered. */
  #renderedParams(scope: Scope): Value {
    const { key } = this.#named;
    const { value } = this.#part;
    const keys = [key, 'args', 'chdir', 'creates', 'removes'].filter((each) => isMapping(value) && each in value);
    const rendered = keys.map((each): [string, Value] => [each, render(partAt(this.#part, each), scope)]);
    return placedAs(Object.fromEntries(rendered), () => this.#part);
  }

  /** Keywords of the task, with those of the blocks around it where it has none of its own. */
  #rendered(scope: Scope, keys: readonly string[], inherits: readonly string[]): Part {
    const rendered: Record<string, Value> = {};
    const origins = new Map<string, Part>();
    for (const key of keys) {
      const from = inherits.includes(key) ? [...this.#inherited.parts, this.#part] : [this.#part];
      const part = from.map((each) => partAt(each, key)).findLast(({ value }) => value !== null);
      if (part === undefined || key === 'environment') continue;
      const origin = from.findLast((each) => partAt(each, key).value !== null);
      if (origin !== undefined) origins.set(key, origin);
      rendered[key] = render(key === 'loop_control' ? without(part, ['label']) : part, scope);
    }
    return { ...this.#part, value: placedAs(rendered, (key) => origins.get(key) ?? this.#part) };
  }

  #environment(scope: Scope, add: (problem: Problem) => void): Readonly<Record<string, string | Secret>> {
    const environment: Record<string, string | Secret> = {};
    for (const each of [...this.#inherited.parts, this.#part]) {
      const part = partAt(each, 'environment');
      const value = render(part, scope);
      if (value === null) continue;
      if (!isMapping(value)) {
        add(problemIn(part, [], `must be a mapping; got ${show(value)}`));
        continue;
      }
      for (const [name, item] of Object.entries(value)) {
        if (!/^[A-Za-z_]\w*$/.test(name)) add(problemIn(part, [name], 'must be a name of letters, digits and _', true));
        else if (item instanceof Secret) environment[name] = item;
        else if (isMapping(item) && typeof item['secret'] === 'string') {
          const secret = this.#secrets.get(item['secret']);
          if (secret === undefined) add(problemIn(part, [name], noSuchSecret(item['secret'], this.#secrets)));
          else environment[name] = secret;
        } else if (typeof item === 'object' && item !== null)
          add(problemIn(part, [name], `must be text, a number or { secret: NAME }; got ${show(item)}`));
        else environment[name] = item === null ? '' : String(item);
      }
    }
    return environment;
  }

  #name(scope: Scope): string {
    const name = partAt(this.#part, 'name');
    if (name.value !== null) return oneLine(render(name, scope));
    return oneLine(render({ ...name, value: this.#rawName() }, scope));
  }

  /** Before anything is rendered: its name, else its command line, else its module and what that is about. */
  #rawName(): string {
    const { key, module } = this.#named;
    const name = partAt(this.#part, 'name').value;
    if (typeof name === 'string') return oneLine(name);
    const { value } = writtenParams(this.#part, key, module);
    if (!isMapping(value)) return module.name;
    const subject = ['cmd', 'argv', 'dest', 'path', 'name', 'msg', 'url', 'port']
      .map((each) => value[each])
      .find((each) => each !== undefined);
    const text = Array.isArray(subject)
      ? subject.map(String).join(' ')
      : typeof subject === 'string' || typeof subject === 'number'
        ? String(subject)
        : '';
    if (module.freeForm?.text === 'cmd' && text !== '') return oneLine(text);
    return text === '' ? module.name : oneLine(`${module.name} ${text}`);
  }
}

const empty: TaskValues = new Map();
const none: ReadonlySet<string> = new Set();
/** Items of a loop that are looked at before the run. */
const mostChecked = 50;

function loopNames({ loop }: ModuleTask): readonly string[] {
  return loop === undefined ? [] : [loop.item, ...(loop.index === undefined ? [] : [loop.index])];
}
