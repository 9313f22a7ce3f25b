import { ConfigError, type Problem } from '../../model/problem.ts';

/** Collects everything that is wrong, so that a reader is told all of it at once. */
export class Problems {
  readonly #errors = new Map<string, Problem>();
  readonly #warnings = new Map<string, Problem>();

  add(problem: Problem): void {
    this.#errors.set(keyOf(problem), problem);
  }

  addAll(problems: Iterable<Problem>): void {
    for (const problem of problems) this.add(problem);
  }

  warn(problem: Problem): void {
    this.#warnings.set(keyOf(problem), problem);
  }

  get count(): number {
    return this.#errors.size;
  }

  /** Sorted by place, each once. */
  errors(): Problem[] {
    return sortProblems([...this.#errors.values()]);
  }

  warnings(): Problem[] {
    return sortProblems([...this.#warnings.values()]);
  }

  /** @throws ConfigError with every problem so far, if there is one. */
  throwIfAny(): void {
    if (this.#errors.size > 0) throw new ConfigError(this.errors());
  }
}

function keyOf(problem: Problem): string {
  return `${problem.file}\0${problem.line}\0${problem.column}\0${problem.path}\0${problem.message}`;
}

export function sortProblems(problems: readonly Problem[]): Problem[] {
  return [...problems].sort(
    (a, b) =>
      compareText(a.file, b.file) || a.line - b.line || a.column - b.column || compareText(a.message, b.message),
  );
}

/** By code points, as Python and C sort: the same on every machine, whatever its language. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
