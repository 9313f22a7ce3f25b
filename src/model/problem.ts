/** A place in a file: 1-based line and column. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong with a configuration: where, what, what was found, how to fix it. */
export interface Problem extends Position {
  /** Path within the file, as `plays[0].strategy.max_unavailable`; empty for the file itself. */
  readonly path: string;
  /** `must be 1 or more, or a percentage; got 0. To update every node at once write 100%.` */
  readonly message: string;
  /** The offending line, for terminals. */
  readonly excerpt?: string;
}

/** `file:line:column`. */
export function formatPosition({ file, line, column }: Position): string {
  return `${file}:${line}:${column}`;
}

/** `file:line:column path: message`, the form of every configuration error. */
export function formatProblem(problem: Problem): string {
  const place = formatPosition(problem);
  return problem.path === '' ? `${place}: ${problem.message}` : `${place} ${problem.path}: ${problem.message}`;
}

/** Everything that is wrong with the configuration, sorted by place. Exit code 2. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
