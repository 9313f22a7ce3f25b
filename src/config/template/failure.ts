import type { Problem } from '../../model/problem.ts';

/** A value that cannot be rendered; the problem names the template's own place, in whichever file that is. */
export class TemplateFailure extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.name = 'TemplateFailure';
    this.problem = problem;
  }
}
