import { Document, isMap, isScalar, parseDocument, visit } from 'yaml';

const headKeys = ['name', 'from', 'created', 'source'] as const;

/** What is written into a composition; keys that are undefined are left as they are, null takes a key away. */
export interface CompositionEdit {
  readonly name?: string;
  readonly from?: string | null;
  readonly created?: string;
  readonly source?: string | null;
  /** By component; null takes it away. */
  readonly images?: ReadonlyMap<string, string | null>;
}

/** The text of a composition with other values; comments, order and everything else stay as they are. */
export function editComposition(text: string, edit: CompositionEdit): string {
  const document = parseDocument(text, { merge: true });
  freeAliases(document);
  for (const key of headKeys) setKey(document, [key], edit[key]);
  for (const [component, image] of edit.images ?? []) setKey(document, ['components', component], image);
  const written = document.toString({ lineWidth: 0 });
  return text.includes('\r\n') ? written.replaceAll('\n', '\r\n') : written;
}

/** A new composition, its head in the order that people read it. */
export function writeComposition({ images = new Map(), ...head }: CompositionEdit & { readonly name: string }): string {
  const said = headKeys.flatMap((key) => (typeof head[key] === 'string' ? [[key, head[key]] as const] : []));
  const components = [...images].flatMap(([component, image]) => (image === null ? [] : [[component, image] as const]));
  return new Document({ ...Object.fromEntries(said), components: Object.fromEntries(components) }).toString({
    lineWidth: 0,
  });
}

/** A value that stands for another one would change with it: it is written out. */
function freeAliases(document: Document): void {
  visit(document, {
    Alias(_, alias) {
      const target = alias.resolve(document);
      return isScalar(target) ? document.createNode(target.value) : undefined;
    },
  });
}

/** An entry in its place, or a new one: of the head in its order, of the components at their end. */
function setKey(document: Document, path: readonly string[], value: string | null | undefined): void {
  if (value === undefined) return;
  if (value === null) {
    document.deleteIn(path);
    return;
  }
  const found = document.getIn(path, true);
  if (isScalar(found)) {
    found.value = value;
    return;
  }
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) {
    document.setIn(path, value);
    return;
  }
  const pair = document.createPair(path.at(-1), value);
  if (path.length > 1) parent.add(pair);
  else parent.items.splice(placeOf(path[0], parent.items), 0, pair);
}

/** Behind what stands before it in the head. */
function placeOf(key: string | undefined, items: readonly { readonly key: unknown }[]): number {
  const before: readonly string[] = headKeys.slice(
    0,
    headKeys.findIndex((each) => each === key),
  );
  const indexes = items.map(({ key: found }) => (isScalar(found) && before.includes(String(found.value)) ? 1 : 0));
  return indexes.lastIndexOf(1) + 1;
}
