import type { Problem } from '../../model/problem.ts';
import { Secret } from '../../model/secret.ts';
import type { Task } from '../../model/task.ts';
import { taskSchema } from '../../task/schema.ts';
import { taskModules } from '../../task/table.ts';
import { partAt, problemIn, type Part } from '../document.ts';
import { parsePart } from '../shape.ts';
import { noSuchSecret } from './no-such-secret.ts';

export interface TaskResult {
  readonly task: Task | undefined;
  readonly problems: readonly Problem[];
}

/** A task from its rendered part, `when` and `tags` aside. */
export function buildTask(part: Part, secrets: ReadonlyMap<string, Secret>): TaskResult {
  const problems: Problem[] = [];
  const report = (steps: readonly string[], message: string): void =>
    void problems.push(problemIn(part, steps, message));
  for (const key of ['name', ...taskModules.map(({ name }) => name)])
    if (holdsSecret(partAt(part, key).value))
      report(
        [key],
        'a secret cannot stand in a command, where everyone on the host can see it; pass it through environment',
      );
  if (problems.length > 0) return { task: undefined, problems };
  const environment = new Map<string, string | Secret>();
  const settings = parsePart(taskSchema, withoutSecrets(part), { add: (problem) => problems.push(problem) });
  if (settings === undefined) return { task: undefined, problems };
  for (const [name, value] of Object.entries(settings.environment)) {
    if (typeof value !== 'object') environment.set(name, String(value));
    else if (secrets.has(value.secret)) environment.set(name, secrets.get(value.secret) ?? '');
    else report(['environment', name], noSuchSecret(value.secret, secrets));
  }
  for (const [name, value] of Object.entries(environmentOf(part)))
    if (value instanceof Secret) environment.set(name, value);
  const written: Readonly<Record<string, unknown>> = settings;
  const module = taskModules.find(({ name }) => written[name] !== undefined);
  if (module === undefined || problems.length > 0) return { task: undefined, problems };
  const params = written[module.name];
  const asWritten = partAt(part, module.name).value;
  const title = typeof asWritten === 'string' ? asWritten : module.title(params);
  const task: Task = {
    name: settings.name ?? title.split('\n')[0] ?? '',
    module: module.name,
    params,
    environment: Object.fromEntries(environment),
    timeoutMs: settings.timeout,
    runOnce: settings.run_once,
    ignoreErrors: settings.ignore_errors,
  };
  return { task, problems };
}

function environmentOf(part: Part): Readonly<Record<string, unknown>> {
  const { value } = partAt(part, 'environment');
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/** The task without what the schema cannot see: values that rendered to secrets, which are put back afterwards. */
function withoutSecrets(part: Part): Part {
  const environment = environmentOf(part);
  if (!Object.values(environment).some((value) => value instanceof Secret)) return part;
  const visible = Object.fromEntries(Object.entries(environment).filter(([, value]) => !(value instanceof Secret)));
  return { ...part, value: { ...(part.value as object), environment: visible } as Part['value'] };
}

function holdsSecret(value: unknown): boolean {
  return value instanceof Secret || (Array.isArray(value) && value.some(holdsSecret));
}
