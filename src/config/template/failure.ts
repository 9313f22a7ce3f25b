import type { Problem } from '../../model/problem.ts';

/** A value that cannot be rendered; each problem names the template's own place, in whichever file that is. */
export class TemplateFailure extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ message }) => message).join('; '));
    this.name = 'TemplateFailure';
    this.problems = problems;
  }
}

/** Applies a step to each item; what fails is thrown at the end, all of it at once. @throws TemplateFailure */
export function forEachRendered<Item>(items: Iterable<Item>, step: (item: Item) => void): void {
  const problems: Problem[] = [];
  for (const item of items) {
    try {
      step(item);
    } catch (error) {
      if (!(error instanceof TemplateFailure)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new TemplateFailure(problems);
}
