import { isAlias, isMap, isScalar, isSeq, visit, type Document, type Node, type YAMLMap } from 'yaml';
import type { Value } from '../../model/host.ts';
import type { Secret } from '../../model/secret.ts';
import { rememberOrigin } from './origins.ts';
import type { Problems } from './problems.ts';
import type { Place, Source } from './source.ts';
import { plainScalar, type ScalarRules } from './yaml-scalars.ts';
import { parseText, reportSyntax, unquotedTemplate, type ParsedText } from './yaml-syntax.ts';

export interface YamlOptions {
  readonly scalars: ScalarRules;
  /** Reads a `!vault` value; it reports what it cannot read by itself. */
  readonly vault?: (ciphertext: string, place: Place) => Secret | undefined;
  /** Compose's `!reset` and `!override` may stand before values; a place tells which one does. */
  readonly merging?: true;
}

/** One entry of a mapping, with `<<` merged in. */
export interface YamlEntry {
  readonly key: string;
  /** What the key reads as: `8080:` is a number, `yes:` may be true. */
  readonly keyValue: null | boolean | number | string;
  readonly keyPlace: Place;
  readonly value: Node | null;
}

/** Aliases may repeat parts of a file; this many values in all are enough for any configuration, and too few for a bomb. */
const maxValues = 1_000_000;

/** A YAML (or JSON) file: its nodes for those who walk it in order, its values for everyone else. */
export class YamlFile {
  readonly source: Source;
  readonly root: Node | null;
  readonly #original: ParsedText['original'];
  readonly #options: YamlOptions;
  readonly #problems: Problems;
  readonly #aliased: ReadonlyMap<Node, Node>;
  readonly #values = new Map<Node, { value: Value; size: number }>();
  readonly #open = new Set<Node>();
  #size = 0;

  constructor({ source, document, original }: ParsedText, options: YamlOptions, problems: Problems) {
    this.source = source;
    this.#original = original;
    this.#options = options;
    this.#problems = problems;
    this.#aliased = source.text.includes('&')
      ? resolveAliases(document, (node, message) => this.#report(node, message))
      : new Map<Node, Node>();
    this.root = this.resolve(document.contents);
  }

  /** The node that an alias stands for; any other node is itself. */
  resolve(node: Node | null | undefined): Node | null {
    if (node === null || node === undefined) return null;
    return isAlias(node) ? (this.#aliased.get(node) ?? null) : node;
  }

  place(node: Node | null, otherwise = 0): Place {
    const range = node?.range;
    const merge = this.#options.merging === true ? mergeTag(node) : undefined;
    return {
      source: this.source,
      start: this.#original(range?.[0] ?? otherwise),
      end: this.#original(range?.[1] ?? otherwise),
      ...(merge === undefined ? {} : { merge }),
    };
  }

  /** Every entry of a mapping, once, in order, merged ones first; `undefined` when the node is no mapping. */
  entries(written: Node | null): YamlEntry[] | undefined {
    const node = this.resolve(written);
    if (!isMap(node)) return undefined;
    const entries = new Map<string, YamlEntry>();
    for (const pair of node.items) if (isMergeKey(pair.key)) this.#merge(pair.value as Node | null, entries);
    const own = new Set<string>();
    for (const pair of node.items) {
      if (isMergeKey(pair.key)) continue;
      const entry = this.#entry(pair.key as Node | null, pair.value as Node | null, node);
      if (entry === undefined) continue;
      if (own.has(entry.key)) this.#duplicate(entry);
      own.add(entry.key);
      entries.set(entry.key, entry);
    }
    return [...entries.values()];
  }

  /** The nodes of a list; `undefined` when the node is none. */
  items(written: Node | null): (Node | null)[] | undefined {
    const node = this.resolve(written);
    return isSeq(node) ? node.items.map((item) => item as Node | null) : undefined;
  }

  /** The value of a node that is no list and no mapping; undefined for these, which may be large. */
  scalar(written: Node | null): Value | undefined {
    const node = this.resolve(written);
    return isMap(node) || isSeq(node) ? undefined : this.value(node);
  }

  /** The plain value of a node. Containers remember where their entries stand (see origins.ts). */
  value(written: Node | null): Value {
    const node = this.resolve(written);
    if (node === null) return null;
    const known = this.#values.get(node);
    if (known !== undefined) {
      this.#grow(known.size, node);
      return known.value;
    }
    if (this.#open.has(node)) {
      this.#report(written ?? node, 'an alias stands inside the very value that it repeats; write the value out');
      return null;
    }
    this.#open.add(node);
    const before = this.#size;
    this.#grow(1, node);
    const value = this.#size > maxValues ? null : this.#convert(node);
    this.#open.delete(node);
    this.#values.set(node, { value, size: this.#size - before });
    return value;
  }

  #convert(node: Node): Value {
    if ((isMap(node) || isSeq(node)) && !plainTags.has(node.tag) && !this.#isMergeTag(node))
      this.#report(node, `the tag ${node.tag ?? ''} is not supported on a list or a mapping; write it without`);
    if (isMap(node)) return this.#mapping(node);
    if (isSeq(node)) {
      const nodes = node.items as (Node | null)[];
      const list = nodes.map((item) => this.value(item));
      rememberOrigin(list, (index) => this.place(nodes[Number(index)] ?? node));
      return list;
    }
    return isScalar(node) ? this.#scalar(node) : null;
  }

  #mapping(node: YAMLMap): Value {
    const entries = this.entries(node) ?? [];
    const mapping: Record<string, Value> = {};
    const byKey = new Map<string, YamlEntry>();
    for (const entry of entries) {
      setOwn(mapping, entry.key, this.value(entry.value));
      byKey.set(entry.key, entry);
    }
    rememberOrigin(mapping, (key, wantsKey) => {
      const entry = byKey.get(String(key));
      if (entry === undefined) return undefined;
      return wantsKey || entry.value === null ? entry.keyPlace : this.place(entry.value);
    });
    return mapping;
  }

  #scalar(
    node: Node & { value: unknown; source?: string; type?: string | undefined; tag?: string | undefined },
  ): Value {
    // The failsafe schema gives text for every scalar.
    const text = typeof node.value === 'string' ? node.value : '';
    if (this.#isMergeTag(node)) return node.type === 'PLAIN' ? plainScalar(text, this.#options.scalars) : text;
    switch (node.tag) {
      case undefined:
        return node.type === 'PLAIN' ? plainScalar(text, this.#options.scalars) : text;
      case '!vault':
      case '!vault-encrypted':
        return this.#options.vault?.(text, this.place(node)) ?? null;
      case '!unsafe':
        return protectFromTemplates(text);
      case '!':
      case 'tag:yaml.org,2002:str':
        return text;
      case 'tag:yaml.org,2002:int':
      case 'tag:yaml.org,2002:float':
      case 'tag:yaml.org,2002:bool':
      case 'tag:yaml.org,2002:null':
        return plainScalar(text, 'ansible');
      default:
        this.#report(node, `the tag ${node.tag} is not supported; only !vault, !unsafe and YAML's own scalar tags are`);
        return null;
    }
  }

  #isMergeTag(node: Node): boolean {
    return this.#options.merging === true && mergeTag(node) !== undefined;
  }

  #entry(keyNode: Node | null, value: Node | null, parent: YAMLMap): YamlEntry | undefined {
    const key = this.resolve(keyNode);
    if (isMap(key) || isSeq(key)) {
      const isTemplate = isMap(key) && key.flow === true;
      this.#report(isTemplate && parent.flow === true ? parent : key, isTemplate ? unquotedTemplate : complexKey);
      return undefined;
    }
    const keyValue = isScalar(key) ? this.#scalar(key) : null;
    if (typeof keyValue === 'object' && keyValue !== null) return undefined;
    return { key: String(keyValue), keyValue, keyPlace: this.place(key, parent.range?.[0]), value };
  }

  #merge(written: Node | null, entries: Map<string, YamlEntry>): void {
    const node = this.resolve(written);
    // Of several merged mappings the first one wins, so it is entered last.
    const sources = isSeq(node) ? [...(this.items(node) ?? [])].reverse() : [node];
    for (const source of sources) {
      const resolved = this.resolve(source);
      if (resolved !== null && this.#open.has(resolved) && isMap(resolved) && resolved === node) continue;
      const merged = this.entries(resolved);
      if (merged === undefined) {
        if (written !== null)
          this.#report(written, '<< merges mappings only; write an alias of a mapping, or a list of them');
        continue;
      }
      for (const entry of merged) entries.set(entry.key, entry);
    }
  }

  #duplicate(entry: YamlEntry): void {
    const problem = this.source.problem(
      entry.keyPlace.start,
      entry.key,
      `the key ${entry.key} stands here twice; keep one`,
    );
    // Ansible takes the last one and warns; a file of rollout's own has no such excuse.
    if (this.#options.scalars === 'ansible')
      this.#problems.warn({
        ...problem,
        message: `the key ${entry.key} stands here twice; the last one counts, as in Ansible`,
      });
    else this.#problems.add(problem);
  }

  #grow(size: number, node: Node): void {
    const before = this.#size;
    this.#size += size;
    if (before <= maxValues && this.#size > maxValues)
      this.#report(
        node,
        `aliases make this file more than ${maxValues.toLocaleString('en')} values long; write it without them`,
      );
  }

  #report(node: Node, message: string): void {
    this.#problems.add(this.source.problem(this.#original(node.range?.[0] ?? 0), '', message));
  }
}

function mergeTag(node: Node | null): Place['merge'] {
  const tag = node?.tag;
  return tag === '!reset' || tag === '!override' ? tag : undefined;
}

/** Tags that say what a list or a mapping is anyway. */
const plainTags = new Set([undefined, 'tag:yaml.org,2002:map', 'tag:yaml.org,2002:seq']);

/** Parses YAML (of which JSON is a part); `undefined`, with the problems noted, when the text has no such structure. */
export function parseYaml(source: Source, options: YamlOptions, problems: Problems): YamlFile | undefined {
  const parsed = parseText(source);
  if (parsed.document.errors.length > 0) {
    reportSyntax(source, parsed.document, problems);
    return undefined;
  }
  const before = problems.count;
  const file = new YamlFile(parsed, options, problems);
  return problems.count > before ? undefined : file;
}

const complexKey = 'a key must be a word, not a list or a mapping';
/** Which node each alias repeats: the nearest anchor of that name before it. */
function resolveAliases(document: Document.Parsed, report: (node: Node, message: string) => void): Map<Node, Node> {
  const anchors = new Map<string, Node>();
  const aliased = new Map<Node, Node>();
  visit(document, {
    Node(_, node) {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target !== undefined) aliased.set(node, target);
        else report(node, `the alias *${node.source} repeats nothing: no anchor &${node.source} stands before it`);
      } else if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
  });
  return aliased;
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.type === 'PLAIN' && key.value === '<<';
}

/** Text that must reach its place as it is, whatever braces it has. */
export function protectFromTemplates(text: string): string {
  return /\{[{%#]/.test(text) ? `{% raw %}${text}{% endraw %}` : text;
}

/** Sets a key as data, `__proto__` too. */
export function setOwn<T>(record: Record<string, T>, key: string, value: T): void {
  if (key === '__proto__')
    Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true });
  else record[key] = value;
}
