import type { ImageRef } from '../model/image.ts';
import { compositionSchema } from './composition-schema.ts';
import { problemIn, readDocument, type Part } from './document.ts';
import { parsePart } from './shape.ts';
import type { Problems } from './text/problems.ts';

/** The image of every component of a release. */
export interface Composition {
  readonly name: string;
  /** As people are shown it. */
  readonly file: string;
  readonly components: ReadonlyMap<string, ImageRef>;
  /** The composition that it was made from. */
  readonly from?: string;
  /** As it is written. */
  readonly created?: string;
  /** The git tag or commit that it was built from. */
  readonly source?: string;
}

/**
 * Reads a composition; undefined, with everything that is wrong noted, when it is not one. `mustBeLocked`: a component
 * without a digest is wrong too.
 */
export function readComposition(
  path: string,
  cwd: string,
  problems: Problems,
  { mustBeLocked = false } = {},
): Composition | undefined {
  const document = readDocument(path, cwd, { scalars: 'core' }, problems);
  if (document === undefined) return undefined;
  const parsed = parsePart(compositionSchema, document, problems);
  if (parsed === undefined) return undefined;
  const { name, components, from, created, source } = parsed;
  if (mustBeLocked) refuseTags(document, components, problems);
  return {
    name,
    file: document.place.source.file,
    components: new Map(Object.entries(components)),
    ...(from === undefined ? {} : { from }),
    ...(created === undefined ? {} : { created }),
    ...(source === undefined ? {} : { source }),
  };
}

function refuseTags(document: Part, components: Readonly<Record<string, ImageRef>>, problems: Problems): void {
  const { file } = document.place.source;
  for (const [component, { digest, written }] of Object.entries(components))
    if (digest === undefined)
      problems.add(
        problemIn(
          document,
          ['components', component],
          `must have a digest (require_locked); got ${JSON.stringify(written)}. Type: rollout composition lock ${file}`,
        ),
      );
}
