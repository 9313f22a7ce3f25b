import { diffComponents, type ChangedComponent, type CompositionDiff } from '../../composition/diff.ts';
import { builtFrom, commitsLink, type BuiltFrom } from '../../composition/source.ts';
import type { Registry } from '../../docker/registry.ts';
import type { ImageRef } from '../../model/image.ts';
import { askEach, withAccess, type AccessOptions } from './access.ts';
import { readFile, type CompositionFile } from './files.ts';

/** A changed component with the commits that its images were built from, as far as their labels say it. */
export interface ExplainedChange extends ChangedComponent {
  readonly commits?: { readonly from?: string; readonly to?: string; readonly link?: string };
}

export interface ComparedCompositions {
  readonly before: CompositionFile;
  readonly after: CompositionFile;
  readonly diff: Omit<CompositionDiff, 'changed'> & { readonly changed: readonly ExplainedChange[] };
  /** Why the labels of some images are not known; the comparison holds without them. */
  readonly notes: readonly string[];
}

/** What a release changes. `asksRegistry`: with the commits behind it. @throws ConfigError */
export async function compareCompositions(
  before: string,
  after: string,
  options: AccessOptions & { readonly asksRegistry: boolean },
): Promise<ComparedCompositions> {
  const files = { before: readFile(before, options), after: readFile(after, options) };
  const diff = diffComponents(files.before.composition.components, files.after.composition.components);
  if (!options.asksRegistry || diff.changed.length === 0) return { ...files, diff, notes: [] };
  return withAccess({ ...options, composition: files.after.path }, async ({ registry }) => {
    const [from, to] = await Promise.all(
      (['from', 'to'] as const).map((side) =>
        sourcesOf(new Map(diff.changed.map((change) => [change.component, change[side]])), registry),
      ),
    );
    const changed = diff.changed.map((change) => explained(change, from?.sources, to?.sources));
    return {
      ...files,
      diff: { ...diff, changed },
      notes: [...new Set([...(from?.notes ?? []), ...(to?.notes ?? [])])],
    };
  });
}

type Sources = ReadonlyMap<string, BuiltFrom>;

function explained(change: ChangedComponent, from: Sources | undefined, to: Sources | undefined): ExplainedChange {
  const [one, other] = [from?.get(change.component), to?.get(change.component)];
  if (one?.revision === undefined && other?.revision === undefined) return change;
  const link = commitsLink(one ?? {}, other ?? {});
  return {
    ...change,
    commits: {
      ...(one?.revision === undefined ? {} : { from: one.revision }),
      ...(other?.revision === undefined ? {} : { to: other.revision }),
      ...(link === undefined ? {} : { link }),
    },
  };
}

async function sourcesOf(images: ReadonlyMap<string, ImageRef>, registry: Registry) {
  const answers = await askEach(images, async (image) => builtFrom((await registry.config(image)).labels));
  return {
    sources: new Map(answers.flatMap((each) => ('value' in each ? [[each.component, each.value] as const] : []))),
    notes: answers.flatMap((each) => ('trouble' in each ? [`${each.component}: ${each.trouble.message}`] : [])),
  };
}
