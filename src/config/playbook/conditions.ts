import { partAt, pathText, problemIn, type Part } from '../document.ts';
import { show } from '../../schema/show.ts';
import { TemplateFailure } from '../template/failure.ts';
import type { Scope } from '../template/scope.ts';

/**
 * Whether `when` holds: true or false, an expression that gives one of the two, or a list of which all must hold.
 * @throws TemplateFailure for an expression that gives anything else.
 */
export function holds(when: Part, scope: Scope): boolean {
  const { value } = when;
  if (Array.isArray(value)) return value.every((_, index) => holds(partAt(when, index), scope));
  if (typeof value === 'boolean') return value;
  if (value === null) return true;
  const fail = (message: string): never => {
    throw new TemplateFailure([problemIn(when, [], message)]);
  };
  if (typeof value !== 'string') return fail(`must be an expression that gives true or false; got ${show(value)}`);
  if (/^\s*\{\{[^]*\}\}\s*$/.test(value))
    return fail(`is an expression already; leave out the braces: ${value.replace(/^\s*\{\{\s*|\s*\}\}\s*$/g, '')}`);
  const result = scope.evaluate(value, { place: when.place, path: pathText(when.path) });
  if (typeof result === 'boolean') return result;
  return fail(
    `must give true or false; ${value} gives ${show(result)}. Compare it with something, as ${value} == …, or write ${value} | bool`,
  );
}
