import type { Value } from '../../model/host.ts';
import { Secret } from '../../model/secret.ts';
import type { Part } from '../document.ts';
import { pathText } from '../document.ts';
import { hasTemplates, type Scope } from '../template/scope.ts';
import { isTemplate } from '../template/tokens.ts';

/**
 * Renders a part for one host after another and builds something from it, once for each different rendering: where
 * nothing depends on the host, all hosts share one result.
 */
export class RenderedPart<Result> {
  readonly #part: Part;
  readonly #build: (rendered: Part) => Result;
  readonly #isConstant: boolean;
  readonly #results = new Map<string, Result>();

  constructor(part: Part, build: (rendered: Part) => Result) {
    this.#part = part;
    this.#build = build;
    const { value } = part;
    this.#isConstant =
      typeof value === 'string'
        ? !isTemplate(value)
        : typeof value !== 'object' || value === null || !hasTemplates(value);
  }

  /** @throws TemplateFailure */
  for(scope: Scope): Result {
    const { place, path } = this.#part;
    const value = this.#isConstant ? this.#part.value : scope.render(this.#part.value, { place, path: pathText(path) });
    const key = this.#isConstant ? '' : fingerprint(value);
    let result = this.#results.get(key);
    if (result === undefined) {
      result = this.#build({ ...this.#part, value });
      this.#results.set(key, result);
    }
    return result;
  }
}

const secretNumbers = new WeakMap<Secret, number>();
let nextSecretNumber = 0;

/** Text that is the same for the same value only. */
export function fingerprint(value: Value): string {
  return JSON.stringify(value, function (this: Readonly<Record<string, unknown>>, key, shown: unknown) {
    // JSON.stringify has called toJSON already: the holder still has the secret itself.
    const item = this[key];
    if (!(item instanceof Secret)) return shown;
    let number = secretNumbers.get(item);
    if (number === undefined) secretNumbers.set(item, (number = nextSecretNumber++));
    return { '\0secret': number };
  });
}
