import { formatImageRef, imageName, type ImageRef } from '../model/image.ts';

type Components = ReadonlyMap<string, ImageRef>;

/** A component whose image is another one. */
export interface ChangedComponent {
  readonly component: string;
  readonly from: ImageRef;
  readonly to: ImageRef;
}

/** What a release changes, by component, in alphabetical order. */
export interface CompositionDiff {
  readonly added: readonly { readonly component: string; readonly image: ImageRef }[];
  readonly removed: readonly { readonly component: string; readonly image: ImageRef }[];
  readonly changed: readonly ChangedComponent[];
  /** The same image, written in another way. */
  readonly renamed: readonly ChangedComponent[];
  readonly unchanged: readonly string[];
}

export function diffComponents(before: Components, after: Components): CompositionDiff {
  const both = names(before).flatMap((component) => {
    const [from, to] = [before.get(component), after.get(component)];
    return from === undefined || to === undefined ? [] : [{ component, from, to }];
  });
  return {
    added: missingFrom(before, after),
    removed: missingFrom(after, before),
    changed: both.filter(({ from, to }) => !isSameImage(from, to)),
    renamed: both.filter(({ from, to }) => isSameImage(from, to) && formatImageRef(from) !== formatImageRef(to)),
    unchanged: both.filter(({ from, to }) => formatImageRef(from) === formatImageRef(to)).map((each) => each.component),
  };
}

export function isUnchangedDiff({ added, removed, changed }: CompositionDiff): boolean {
  return added.length + removed.length + changed.length === 0;
}

/** By digest where both have one: a digest names the bytes, wherever they lie. Else as written: a tag may be anything by now. */
export function isSameImage(one: ImageRef, other: ImageRef): boolean {
  if (one.digest !== undefined && other.digest !== undefined) return one.digest === other.digest;
  return formatImageRef(one) === formatImageRef(other);
}

/** Components whose image has no digest: what runs would be decided by their tags, at the time of the run. */
export function unlockedOf(components: Components): readonly string[] {
  return names(components).filter((component) => components.get(component)?.digest === undefined);
}

/** Components that one tag cannot name, each group with its repository: they have one repository and several digests. */
export function rivalsForTag(components: Components): readonly { repository: string; components: readonly string[] }[] {
  const byRepository = new Map<string, string[]>();
  for (const component of names(components)) {
    const image = components.get(component);
    if (image === undefined) continue;
    const others = byRepository.get(imageName(image));
    if (others === undefined) byRepository.set(imageName(image), [component]);
    else others.push(component);
  }
  return [...byRepository]
    .map(([repository, group]) => ({ repository, components: group }))
    .filter((group) => new Set(group.components.map((component) => components.get(component)?.digest)).size > 1);
}

/** What changed of an image, without what did not: `1.4 → 1.5`, `sha256:0123456789ab → …` under one tag. */
export function changeText(from: ImageRef, to: ImageRef): string {
  if (imageName(from) !== imageName(to)) return `${shortImage(from)} → ${shortImage(to)}`;
  if (from.tag !== to.tag) return `${from.tag ?? shortDigest(from)} → ${to.tag ?? shortDigest(to)}`;
  return `${from.tag ?? ''} ${shortDigest(from)} → ${shortDigest(to)}`.trim();
}

/** With twelve digits of the digest, as docker shows ids. */
export function shortImage(image: ImageRef): string {
  const { digest: _, ...named } = image;
  return image.digest === undefined ? formatImageRef(image) : `${formatImageRef(named)}@${shortDigest(image)}`;
}

function shortDigest({ digest }: ImageRef): string {
  return digest === undefined ? 'no digest' : digest.slice(0, 'sha256:'.length + 12);
}

function missingFrom(some: Components, all: Components) {
  return names(all).flatMap((component) => {
    const image = all.get(component);
    return image === undefined || some.has(component) ? [] : [{ component, image }];
  });
}

function names(components: Components): readonly string[] {
  return [...components.keys()].sort();
}
