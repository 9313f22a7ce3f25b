/** How a part of an expression is read: Python lets flags hold for a part. */
export interface Flags {
  readonly ignoreCase: boolean;
  readonly multiLine: boolean;
  readonly dotAll: boolean;
  readonly verbose: boolean;
  readonly ascii: boolean;
}

export type ClassLetter = 'd' | 'D' | 's' | 'S' | 'w' | 'W';
export type SetItem = { readonly from: number; readonly to: number } | { readonly class: ClassLetter };

export type Node =
  | { readonly kind: 'literal'; readonly point: number; readonly flags: Flags }
  | { readonly kind: 'any'; readonly flags: Flags }
  | { readonly kind: 'set'; readonly negated: boolean; readonly items: readonly SetItem[]; readonly flags: Flags }
  | { readonly kind: 'anchor'; readonly what: '^' | '$' | 'A' | 'Z' | 'b' | 'B'; readonly flags: Flags }
  | { readonly kind: 'group'; readonly number: number | undefined; readonly body: Node }
  | { readonly kind: 'look'; readonly open: '?=' | '?!' | '?<=' | '?<!'; readonly body: Node }
  | { readonly kind: 'atomic'; readonly body: Node }
  | { readonly kind: 'reference'; readonly number: number; readonly flags: Flags }
  | { readonly kind: 'sequence'; readonly nodes: readonly Node[] }
  | { readonly kind: 'choice'; readonly branches: readonly Node[] }
  | {
      readonly kind: 'repeat';
      readonly node: Node;
      readonly min: number;
      readonly max: number;
      readonly mode: 'greedy' | 'lazy' | 'possessive';
    };

export interface ParsedRegex {
  readonly root: Node;
  readonly groups: number;
  readonly names: ReadonlyMap<string, number>;
  /** Of the whole. */
  readonly flags: Flags;
}
