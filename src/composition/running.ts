import { formatImageRef, parseImageRef, type ImageRef } from '../model/image.ts';
import { isSameImage } from './diff.ts';

/** A container of a playbook that a host has in its place: not one that is being made, or parked. */
export interface Running {
  readonly host: string;
  readonly service: string;
  /** As its label has it: `name:tag@digest`. */
  readonly image: string;
  /** The composition that the run which made it was of. */
  readonly composition: string | undefined;
  readonly isRunning: boolean;
}

/** The image of every service, as hosts run it; or what speaks against a composition of it, one line each. */
export function componentsOfRunning(
  running: readonly Running[],
): { readonly components: ReadonlyMap<string, ImageRef> } | { readonly troubles: readonly string[] } {
  const troubles: string[] = [];
  const components = new Map<string, ImageRef>();
  for (const service of [...new Set(running.map((each) => each.service))].sort()) {
    const hostsOf = new Map<string, string[]>();
    for (const { host, image } of running.filter((each) => each.service === service))
      hostsOf.set(image, [...(hostsOf.get(image) ?? []), host]);
    const [first, ...others] = [...hostsOf.keys()];
    const written = first ?? '';
    const image = parseImageRef(written);
    if (others.length > 0)
      troubles.push(
        `${service} is not the same everywhere: ${[...hostsOf].map(([each, hosts]) => `${each} on ${hosts.join(', ')}`).join('; ')}`,
      );
    else if (image === undefined) troubles.push(`${service} runs ${written}, which is not the name of an image`);
    else components.set(service, image);
  }
  return troubles.length > 0 ? { troubles } : { components };
}

/** What a host has of a composition. */
export interface HostOfComposition {
  readonly host: string;
  /** Whether it runs all of those components of the composition that it runs in any version. */
  readonly state: 'whole' | 'part' | 'none' | 'unreachable';
  readonly components: readonly {
    readonly component: string;
    readonly image: string;
    readonly isOfIt: boolean;
    /** The composition by whose name it was put there. */
    readonly composition?: string;
    readonly isRunning: boolean;
  }[];
  /** Why it could not be read. */
  readonly message?: string;
}

export function hostOfComposition(
  host: string,
  running: readonly Running[],
  components: ReadonlyMap<string, ImageRef>,
): HostOfComposition {
  const own = running
    .filter((each) => each.host === host && components.has(each.service))
    .map(({ service, image, composition, isRunning }) => ({
      component: service,
      image,
      isOfIt: isIt(components.get(service), image),
      ...(composition === undefined ? {} : { composition }),
      isRunning,
    }))
    .sort((a, b) => (a.component < b.component ? -1 : 1));
  const of = own.filter(({ isOfIt, isRunning }) => isOfIt && isRunning).length;
  return { host, state: of === 0 ? 'none' : of === own.length ? 'whole' : 'part', components: own };
}

/** A component without a digest is told by its tag alone. */
function isIt(wanted: ImageRef | undefined, written: string): boolean {
  const image = parseImageRef(written);
  if (wanted === undefined || image === undefined) return false;
  if (wanted.digest !== undefined) return isSameImage(wanted, image);
  const { digest: _, ...tagged } = image;
  return formatImageRef(wanted) === formatImageRef(tagged);
}
