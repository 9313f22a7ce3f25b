import { changeComponents, writtenImages } from '../../composition/argument.ts';
import { editComposition, writeComposition } from '../../composition/edit.ts';
import { isName, newName } from '../../composition/name.ts';
import { componentsOfRunning } from '../../composition/running.ts';
import { exists, resolvePath } from '../../config/files.ts';
import { RunRefused } from '../../engine/context.ts';
import { exitCodes } from '../../events/exit-code.ts';
import { groupAlike } from '../../model/alike.ts';
import { parseImageRef, type ImageRef } from '../../model/image.ts';
import { journalDir } from '../../store/journal.ts';
import { readRun, RunNotFoundError } from '../../store/runs.ts';
import { runOfHosts } from '../remembered-run.ts';
import { withAccess, type AccessOptions } from './access.ts';
import { compositionFolder, readFile, saveFile, type CompositionFile } from './files.ts';
import { foundOf, lookAtHosts, troublesOf } from './hosts.ts';
import { pinAll } from './lock.ts';

/** What a new composition is made of; one of `from`, `fromRun` and `fromHosts` at most. */
export interface CutOptions extends AccessOptions {
  /** `c_` and the time by default. */
  readonly name?: string;
  /** `COMPONENT=IMAGE` each; over what it is made from. */
  readonly images: readonly string[];
  /** Components that it is to have no more. */
  readonly without: readonly string[];
  /** A composition's file. */
  readonly from?: string;
  /** A run's id, its beginning, or `latest`. */
  readonly fromRun?: string;
  /** With `fromRun`: the playbook whose hosts are asked for a run that no journal here knows. */
  readonly hosts?: string;
  /** What the hosts of this playbook run now. */
  readonly fromHosts?: string;
  readonly source?: string;
  /** Where to write it; `compositions/NAME.yaml` by default. */
  readonly file?: string;
  readonly locks: boolean;
  readonly mayReplace: boolean;
}

/** Writes a new composition. @throws RunRefused, ConfigError, RunNotFoundError; then nothing was written */
export async function cutComposition(options: CutOptions): Promise<CompositionFile> {
  const { cwd, env, clock, source } = options;
  const fileOf = (name: string): string => resolvePath(cwd, options.file ?? `${compositionFolder}/${name}.yaml`, env);
  const name = options.name ?? newName(clock.now(), (each) => options.file === undefined && exists(fileOf(each)));
  if (!isName(name))
    throw refused(`${JSON.stringify(name)} cannot be a composition's name: it has letters, digits, . _ and - only`);
  const base = options.from === undefined ? undefined : readFile(options.from, options);
  const before = base?.composition.components ?? (await foundComponents(options));
  const wanted = changed(before, options);
  if (wanted.size === 0)
    throw refused('a composition needs a component: give COMPONENT=IMAGE, --from, --from-run or --from-hosts');
  const components = options.locks ? await withAccess(options, ({ registry }) => pinAll(wanted, registry)) : wanted;
  const created = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
  const head = { name, created, ...(source === undefined ? {} : { source }) };
  const text =
    base === undefined
      ? writeComposition({ ...head, images: writtenImages(components) })
      : editComposition(base.text, {
          source: null,
          ...head,
          from: base.composition.name,
          images: editsOf(base.composition.components, components),
        });
  return saveFile(fileOf(name), text, components, { cwd, mayReplace: options.mayReplace });
}

/** Only what differs is written again. */
function editsOf(
  before: ReadonlyMap<string, ImageRef>,
  after: ReadonlyMap<string, ImageRef>,
): ReadonlyMap<string, string | null> {
  const gone = [...before.keys()].filter((name) => !after.has(name)).map((name) => [name, null] as const);
  const others = [...writtenImages(new Map([...after].filter(([name, image]) => before.get(name) !== image)))];
  return new Map<string, string | null>([...gone, ...others]);
}

function changed(before: ReadonlyMap<string, ImageRef>, options: CutOptions): ReadonlyMap<string, ImageRef> {
  const { components, problems } = changeComponents(before, options);
  if (problems.length > 0) throw refused('nothing was written', problems);
  return components;
}

async function foundComponents(options: CutOptions): Promise<ReadonlyMap<string, ImageRef>> {
  if (options.fromRun !== undefined) return componentsOfRun(options.fromRun, options);
  const { fromHosts } = options;
  if (fromHosts === undefined) return new Map();
  return withAccess({ ...options, playbook: fromHosts }, async ({ opened }) => {
    const looks = opened === undefined ? [] : await lookAtHosts(opened);
    const troubles = troublesOf(looks);
    if (troubles.length > 0)
      throw new RunRefused(exitCodes.unreachable, 'not every host says what it runs', groupAlike(troubles));
    const found = componentsOfRunning(foundOf(looks).flatMap(({ running }) => running));
    if ('troubles' in found) throw refused('what runs is no one composition; nothing was written', found.troubles);
    return found.components;
  });
}

/** What a run resolved, from its journal. */
async function componentsOfRun(id: string, options: CutOptions): Promise<ReadonlyMap<string, ImageRef>> {
  const { run, components } = await recordOfRun(id, options);
  if (components === undefined || Object.keys(components).length === 0)
    throw refused(`nothing says which images run ${run} had: it came to no plan, or was a rollback`);
  const entries = Object.entries(components);
  const several = entries.filter(([, images]) => images.length !== 1);
  if (several.length > 0)
    throw refused(
      `run ${run} had no one composition; nothing was written`,
      several.map(([name, images]) => `${name} was ${images.join(' and ')}`),
    );
  return new Map(
    entries.flatMap(([name, [written = '']]) => {
      const image = parseImageRef(written);
      return image === undefined ? [] : [[name, image] as const];
    }),
  );
}

interface RunRecord {
  readonly run: string;
  readonly components: Readonly<Record<string, readonly string[]>> | undefined;
}

/** The journal here, or else what hosts remember. */
async function recordOfRun(id: string, options: CutOptions): Promise<RunRecord> {
  const { env, cwd, hosts } = options;
  try {
    const { id: run, events } = await readRun(journalDir(env, cwd), id === 'latest' ? '' : id);
    return { run, components: events.findLast((event) => event.type === 'plan_ready')?.components };
  } catch (error) {
    if (!(error instanceof RunNotFoundError) || hosts === undefined || id === 'latest') throw error;
    const { run } = await runOfHosts(hosts, id, options);
    return { run: run.run, components: run.components };
  }
}

function refused(message: string, details: readonly string[] = []): RunRefused {
  return new RunRefused(exitCodes.usage, message, details);
}
