import type { Event } from '../events/event.ts';
import { parseImageRef, formatImageRef, type ImageRef } from '../model/image.ts';
import { journalDir } from '../store/journal.ts';
import { listRuns, readRun } from '../store/runs.ts';
import { readFile } from './composition/files.ts';
import type { RunOfHosts } from './remembered-run.ts';
import { parseImages } from './resume.ts';
import type { Surroundings } from './surroundings.ts';

/** So far back it is looked for a run that has deployed a composition. */
const mostRuns = 1000;

/**
 * What the tags of a composition stood for when it was deployed last: going back to it means those images, wherever the
 * tags have moved since: as the journals here know, or else the hosts. A locked one says so itself. @throws ConfigError with every problem of the file
 */
export async function digestsDeployed(
  file: string,
  { env, cwd }: Pick<Surroundings, 'env' | 'cwd'>,
  ofHosts: (composition: string) => Promise<RunOfHosts | undefined>,
): Promise<{ readonly pinned: ReadonlyMap<string, ImageRef>; readonly notice?: string }> {
  const { name, components } = readFile(file, { env, cwd }).composition;
  const tags = [...components.values()].filter(({ digest }) => digest === undefined).map(formatImageRef);
  if (tags.length === 0) return { pinned: new Map() };
  const journals = journalDir(env, cwd);
  for (const { id, started, finished } of await listRuns(journals, mostRuns)) {
    const isDeployed = finished?.outcome === 'changed' || finished?.outcome === 'unchanged';
    if (started?.composition !== name || !isDeployed) continue;
    const images = imagesOf((await readRun(journals, id)).events);
    if (!tags.every((tag) => images.has(tag))) continue;
    const notice = `${file} is not locked: its tags are the images that run ${id} deployed`;
    return { pinned: new Map([...images].filter(([tag]) => tags.includes(tag))), notice };
  }
  const found = await ofHosts(name);
  const images = parseImages(found?.run.images ?? {});
  if (found !== undefined && tags.every((tag) => images.has(tag))) {
    const notice = `${file} is not locked: its tags are the images that run ${found.run.run} deployed; ${found.notice}`;
    return { pinned: new Map([...images].filter(([tag]) => tags.includes(tag))), notice };
  }
  const notice = `${file} is not locked, and neither this folder nor its hosts know a run that deployed it: its tags are what the registry says now`;
  return { pinned: new Map(), notice };
}

function imagesOf(events: readonly Event[]): ReadonlyMap<string, ImageRef> {
  const images = events.findLast((event) => event.type === 'plan_ready')?.images ?? {};
  return new Map(
    Object.entries(images).flatMap(([tag, written]) => {
      const image = parseImageRef(written);
      return image?.digest === undefined ? [] : [[tag, image] as const];
    }),
  );
}
