import type { Value } from '../../model/host.ts';
import { Secret } from '../../model/secret.ts';

const secretsInside = new WeakMap<object, Secret | false>();

/** A secret that is somewhere in a value; found out once for a list or a mapping. */
export function secretIn(value: Value): Secret | undefined {
  if (value instanceof Secret) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  let known = secretsInside.get(value);
  if (known === undefined) {
    known = false;
    for (const item of Object.values<Value>(value as Record<string, Value>)) {
      const secret = secretIn(item);
      if (secret !== undefined) {
        known = secret;
        break;
      }
    }
    secretsInside.set(value, known);
  }
  return known === false ? undefined : known;
}

/** The value as templates compute with it. */
export function revealed(value: Value): unknown {
  if (value instanceof Secret) return value.reveal();
  if (secretIn(value) === undefined) return value;
  if (Array.isArray(value)) return (value as readonly Value[]).map(revealed);
  return Object.fromEntries(Object.entries(value as Record<string, Value>).map(([key, item]) => [key, revealed(item)]));
}

/** Every text that came of a secret is one. */
export function concealed(value: Value, secret: Secret): Value {
  if (typeof value === 'string') return value === '' ? value : new Secret(secret.name, value);
  if (Array.isArray(value)) return (value as readonly Value[]).map((item) => concealed(item, secret));
  if (typeof value !== 'object' || value === null || value instanceof Secret) return value;
  return Object.fromEntries(
    Object.entries(value as Record<string, Value>).map(([key, item]) => [key, concealed(item, secret)]),
  );
}
