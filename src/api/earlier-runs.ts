import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { RunRefused } from '../engine/context.ts';
import type { CannotUndo } from '../engine/rollback.ts';
import type { Event } from '../events/event.ts';
import { exitCodes } from '../events/exit-code.ts';
import { formatImageRef, imageName, isImageId, parseImageRef, type ImageRef } from '../model/image.ts';
import { listRuns, readRun, type RunEnds } from '../store/runs.ts';

/** A run's id, or its beginning with date and time, where no file is called so. */
export function isRunId(text: string, cwd: string): boolean {
  return /^\d{8}-\d{4,6}(?:-\w{0,4})?$/.test(text) && !existsSync(resolve(cwd, text));
}

/**
 * The images that a run had on its hosts, by their names. @throws RunNotFoundError, RunRefused where its journal does
 * not say, or where one name was several images
 */
export async function imagesOfRun(
  dir: string,
  id: string,
): Promise<{ readonly run: string; readonly images: ReadonlyMap<string, ImageRef> }> {
  const { id: run, events } = await readRun(dir, id);
  return { run, images: imagesByName(run, recorded(events)) };
}

/**
 * What a run had, by the images' names. @param record from what was written to `name:tag@digest`, or to the id of what
 * was sent @throws RunRefused where it had none, one name was several images, or no registry has one
 */
export function imagesByName(run: string, record: Readonly<Record<string, string>>): ReadonlyMap<string, ImageRef> {
  const images = new Map<string, ImageRef>();
  for (const [written, pinned] of Object.entries(record)) {
    if (isImageId(pinned))
      throw new RunRefused(exitCodes.usage, `run ${run} sent ${written} by --push, and no registry has it`, [
        'run the playbook again with that image and --push, or roll back without --to while its containers are kept',
      ]);
    const image = parseImageRef(pinned);
    if (image?.digest === undefined) continue;
    const name = imageName(image);
    const known = images.get(name);
    if (known !== undefined && known.digest !== image.digest)
      throw new RunRefused(
        exitCodes.usage,
        `run ${run} had two images of ${name} (${known.tag ?? ''} and ${image.tag ?? ''}): go back with a composition that names both`,
      );
    images.set(name, image);
  }
  if (images.size === 0)
    throw new RunRefused(exitCodes.usage, `nothing says which images run ${run} had: it ended before its plan`);
  return images;
}

function recorded(events: readonly Event[]): Readonly<Record<string, string>> {
  const ready = events.find((event): event is Event & { readonly type: 'plan_ready' } => event.type === 'plan_ready');
  return ready?.images ?? {};
}

/** None where the run sent one: no registry has that. */
function pulledImages(events: readonly Event[]): readonly ImageRef[] {
  const pinned = Object.values(recorded(events));
  if (pinned.some(isImageId)) return [];
  return pinned.flatMap((each) => {
    const image = parseImageRef(each);
    return image?.digest === undefined ? [] : [image];
  });
}

/** The newest of them are looked at. */
const mostRuns = 50;
const mostWays = 3;

/** The refusal with what the journals here know: a failed run that is put back already, and the runs to go back to. */
export async function withWaysBack(
  refused: CannotUndo,
  { dir, playbook, cwd }: { readonly dir: string; readonly playbook: string; readonly cwd: string },
): Promise<RunRefused> {
  const file = resolve(cwd, playbook);
  const runs = (await listRuns(dir, mostRuns).catch(() => [])).filter(
    ({ started }) => started !== undefined && resolve(started.cwd ?? cwd, started.playbook) === file,
  );
  const ways = await waysBack(runs, refused.running, dir);
  if (ways.length === 0) return refused;
  return new RunRefused(refused.exitCode, refused.message, [
    ...putBack(runs, refused.run),
    ...refused.lines,
    'to go back to what an earlier run had, with the settings that the playbook has now:',
    ...ways.map(({ run, images }) => `  rollout rollback ${playbook} --to ${run}    ${images.join(', ')}`),
    'or to a composition with --to FILE, or with --limit on the hosts where the run can be undone',
  ]);
}

/** A failed run after the one to undo: whoever rolls back may well mean that one. */
function putBack(runs: readonly RunEnds[], undone: string): readonly string[] {
  const failed = runs.find(({ id, finished }) => id > undone && finished?.outcome === 'rolled_back');
  return failed === undefined
    ? []
    : [`run ${failed.id} failed, and was put back when it did: nothing of it is left to undo`];
}

/** Runs that came to a good end with other images than those that run now, newest first, each set of images once. */
async function waysBack(
  runs: readonly RunEnds[],
  running: ReadonlySet<string>,
  dir: string,
): Promise<readonly { readonly run: string; readonly images: readonly string[] }[]> {
  const ways = new Map<string, { readonly run: string; readonly images: readonly string[] }>();
  for (const { id, finished } of runs) {
    if (ways.size === mostWays) break;
    if (finished?.exitCode !== exitCodes.done) continue;
    const images = pulledImages((await readRun(dir, id)).events);
    if (images.length === 0 || images.every((image) => running.has(formatImageRef(image)))) continue;
    const key = images.map(formatImageRef).toSorted().join(' ');
    if (!ways.has(key))
      ways.set(key, { run: id, images: images.map(({ digest: _, ...tagged }) => formatImageRef(tagged)) });
  }
  return [...ways.values()];
}
