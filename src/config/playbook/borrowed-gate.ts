import { closest } from '../../model/closest.ts';
import { problemIn, type Part } from '../document.ts';
import type { Problems } from '../text/problems.ts';

/**
 * A health container that is no service of the play: one that is on the hosts already, made by whomever. A name that is
 * nearly a service's is taken for a slip; whether the container is there, each host says before anything is touched.
 */
export function borrowedGateOf(
  part: Part,
  name: string,
  services: Iterable<string>,
  problems: Problems,
): string | undefined {
  const known = [...services];
  const meant = closest(name, known);
  const problem =
    meant === undefined
      ? nameProblem(name)
      : `must name a service of this play, or a container that is there; got ${name}. Did you mean ${meant}?`;
  if (problem === undefined) return name;
  problems.add(problemIn(part, [], problem));
  return undefined;
}

function nameProblem(name: string): string | undefined {
  if (/^[a-zA-Z0-9][\w.-]+$/.test(name)) return undefined;
  return `must be a service of this play, or the name of a container, of letters, digits, _ . and -; got ${JSON.stringify(name)}`;
}
