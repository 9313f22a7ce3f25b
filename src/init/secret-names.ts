import { Secret } from '../model/secret.ts';

/** A secret that a container had in plain. */
export interface FoundSecret {
  /** Under `secrets` of the playbook. */
  readonly name: string;
  /** The controller's variable that gives it from now on. */
  readonly variable: string;
  /** Where its value can be read. */
  readonly host: string;
  readonly container: string;
  readonly of: string;
}

/** Names for secrets: one value has one name, and two values of one variable have two. */
export class SecretNames {
  readonly #found = new Map<string, { readonly value: string; readonly secret: FoundSecret }>();

  name(variable: string, value: string, host: string, container: string): string {
    const plain = identifier(variable);
    for (const name of candidates(plain, identifier(`${container}_${variable}`))) {
      const known = this.#found.get(name);
      if (known !== undefined && known.value !== value) continue;
      if (known === undefined) {
        const secret = { name, variable: name.toUpperCase(), host, container, of: variable };
        this.#found.set(name, { value, secret });
      }
      return name;
    }
    throw new Error('there is always another number');
  }

  get all(): readonly FoundSecret[] {
    return [...this.#found.values()].map(({ secret }) => secret);
  }

  /** As a playbook would have them. */
  get values(): ReadonlyMap<string, Secret> {
    return new Map([...this.#found].map(([name, { value }]) => [name, new Secret(name, value)]));
  }
}

function* candidates(first: string, second: string): Generator<string> {
  yield first;
  yield second;
  for (let number = 2; ; number += 1) yield `${second}_${number}`;
}

/** `DB-Password` → `db_password`. */
export function identifier(text: string): string {
  const words = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return /^[a-z]/.test(words) ? words : `x_${words}`;
}
