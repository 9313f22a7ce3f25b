import { containerKey, type ContainerPart, type ServiceKey } from '../key.ts';
import { flag, sortedTexts, text, texts, unlessEmpty } from '../values.ts';

type Extras<Value extends string | number | boolean | readonly string[]> = Partial<
  Pick<ContainerPart<Value>, 'inherited' | 'live' | 'mutable' | 'discardable' | 'read'>
>;

/** A key that is one text, one option of `docker create` and one field of its inspect document. */
export function textKey(
  name: string,
  doc: string,
  option: string,
  path: string,
  {
    fault,
    ...extras
  }: Extras<string> & {
    /** What is wrong with a value; undefined where it is good. */
    readonly fault?: (value: string) => string | undefined;
  } = {},
): ServiceKey {
  const known = (value: string): string | undefined => (value === '' ? undefined : value);
  return containerKey<string, string>({
    name,
    doc,
    schema: () => text,
    blank: 'default',
    canonical: (value, scope) => {
      const message = fault?.(value);
      if (message !== undefined) scope.problem([], `${message}; got ${JSON.stringify(value)}`);
      return known(value);
    },
    create: (value, sink) => sink.option(option, value),
    read: (container) => known(container.text(path)),
    ...extras,
  });
}

/** A key that is true or absent. */
export function flagKey(name: string, doc: string, option: string, path: string): ServiceKey {
  return containerKey<boolean, true>({
    name,
    doc,
    schema: () => flag,
    canonical: (value) => value || undefined,
    create: (_, sink) => sink.option(option),
    read: (container) => container.flag(path) || undefined,
  });
}

/** A key that is a set of texts, an option for each. Order means nothing unless `ordered`. */
export function textsKey(
  name: string,
  doc: string,
  option: string,
  path: string,
  {
    ordered = false,
    normalise = (value) => value,
    fault,
  }: {
    readonly ordered?: boolean;
    readonly normalise?: (value: string) => string;
    /** What is wrong with an entry; undefined where it is good. */
    readonly fault?: (value: string) => string | undefined;
  } = {},
): ServiceKey {
  const canonical = (values: readonly string[]): string[] | undefined => {
    const normal = values.filter((value) => value !== '').map(normalise);
    return unlessEmpty(ordered ? normal : sortedTexts(normal));
  };
  return containerKey<string[], readonly string[]>({
    name,
    doc,
    schema: () => texts,
    canonical: (values, scope) => {
      values.forEach((value, index) => {
        const message = value === '' ? undefined : fault?.(value);
        if (message !== undefined) scope.problem([index], `${message}; got ${JSON.stringify(value)}`);
      });
      return canonical(values);
    },
    create: (values, sink) => values.forEach((value) => sink.option(option, value)),
    read: (container) => canonical(container.texts(path)),
  });
}
