import type { Value } from '../../model/host.ts';
import { isMapping, partAt, problemIn, type Part } from '../document.ts';
import type { Problems } from '../text/problems.ts';
import { entriesOf } from './sections.ts';

/** Keys whose texts a shell reads, which knows `${NAME}` itself. */
const forShells = ['healthcheck', 'probe'];
/** The same where the words name a shell. */
const forPrograms = ['command', 'entrypoint'];

/**
 * Says where a playbook's own services hold what Compose would fill in, and a playbook does not: there `${NAME}` and
 * `$$` reach the container as they stand.
 */
export function warnOfDollars(services: Part, problems: Problems): void {
  for (const [name, service] of entriesOf(services)) {
    const words = forPrograms.map((key) => JSON.stringify(partAt(service, key).value)).join(' ');
    const known = /\b(?:ba|da|k|z|a)?sh\b/.test(words) ? [...forShells, ...forPrograms] : forShells;
    for (const [key, { value }] of entriesOf(service)) visit(value, [name, key], known.includes(key));
  }

  function visit(value: Value, path: readonly (string | number)[], isForShell: boolean): void {
    if (typeof value === 'string') {
      const found = dollarsIn(value, isForShell);
      if (found !== undefined) problems.warn(problemIn(services, path, explain(found)));
    } else if (Array.isArray(value))
      (value as readonly Value[]).forEach((item, index) => visit(item, [...path, index], isForShell));
    else if (isMapping(value)) for (const [key, item] of Object.entries(value)) visit(item, [...path, key], isForShell);
  }
}

function dollarsIn(text: string, isForShell: boolean): string | undefined {
  const variable = /\$\{[A-Za-z_]\w*(?::?[-?+][^}]*)?\}/.exec(text)?.[0];
  if (variable !== undefined && !isForShell) return variable;
  // For a shell $$ is its own number.
  return (isForShell ? /\$\$(?=[A-Za-z_{(])/ : /\$\$/).exec(text)?.[0];
}

function explain(found: string): string {
  if (found === '$$')
    return 'has $$, which stays $$: only in a Compose file it stands for one dollar sign. Write a single $';
  const name = /\w+/.exec(found)?.[0] ?? '';
  return `has ${found}, which stays as it is: only a Compose file is filled in that way. Write {{ ${name} }} and give it with vars or -e`;
}
