import * as z from 'zod';
import { flag, must, texts, wholeNumber } from '../../schema/values.ts';
import { assertDone } from '../apply.ts';
import { done, failed, taskModule, type Result, type TaskHost } from '../module.ts';
import type { Query } from '../query.ts';

const schema = () =>
  z.strictObject(
    {
      keep: wholeNumber
        .default(3)
        .describe('Of each repository, so many images that were built last stay, whether or not something runs them.'),
      repositories: texts
        .optional()
        .describe(
          'Of these only, as registry.example.com/shop/app; by default of every one that has an image on the host.',
        ),
      dangling: flag.default(true).describe('Images without any name go too.'),
      build_cache: flag.default(false).describe("The builder's cache goes too."),
    },
    must('a mapping, which may be empty'),
  );
type Params = z.output<ReturnType<typeof schema>>;

/**
 * Lines: `used ID` for the image of every container, whatever its state; `leaf ID` for images that are no mere step of a
 * build; and `image …` for every image. Docker 29 lists images without a tag, as those that are pulled by digest are,
 * only with --all, which elsewhere shows those steps as well.
 */
const imagesScript = `
set -f
for try in 1 2 3; do
  ids=$(docker ps -aq --no-trunc) || exit
  # A container that goes meanwhile is no answer for all the others.
  used=$([ -z "$ids" ] || docker container inspect --format 'used {{.Image}}' $ids) && try=done && break
done
[ "$try" = done ] || exit 1
images=$(docker image ls --all -q --no-trunc) || exit
leaves=$(docker image ls -q --no-trunc && docker image ls --all -q --no-trunc --filter dangling=true) || exit
images=$(printf '%s\\n' "$images" | sort -u)
printf '%s\\n' "$used"
[ -z "$leaves" ] || printf 'leaf %s\\n' $leaves
[ -z "$images" ] || docker image inspect --format 'image {{.Id}} {{.Created}} {{.Size}} {{json .RepoTags}} {{json .RepoDigests}}' $images`.trim();

/** Everything that is decided here is decided by what it prints. */
export const imagesQuery: Query & { readonly kind: 'command' } = {
  kind: 'command',
  argv: ['sh', '-c', imagesScript, 'rollout-images'],
};

export const dockerPruneModule = taskModule({
  name: 'docker_prune',
  doc: 'Removes old images. Those of the last `keep` builds of every repository stay. So does every image that a container uses, be it running, stopped or parked for a rollback. Volumes, networks and containers are never removed.',
  schema,
  observe: () => [imagesQuery],
  plan: (params, found) => {
    const { exitCode, stdout, stderr } = found.command(imagesQuery.argv);
    const images = exitCode === 0 ? parseImages(stdout) : undefined;
    if (images === undefined)
      return failed(`the images of the host cannot be read: ${stderr.trim() || `exit code ${exitCode}`}`);
    const gone = outdated(images, params);
    const result: Result = {
      images: gone.map(({ id, names }) => names.join(', ') || id),
      images_space_reclaimed: gone.reduce((sum, { bytes }) => sum + bytes, 0),
    };
    if (gone.length === 0 && !params.build_cache) return done({ changed: false, ...result });
    if (gone.length === 0)
      return {
        kind: 'act',
        why: 'what the build cache holds is known when it is emptied',
        apply: (host) => emptyBuildCache(host).then((own) => ({ ...result, ...own })),
      };
    return {
      kind: 'change',
      result,
      diff: { path: 'images', before: gone.map(lineOf).join(''), after: '' },
      apply: async (host) => {
        await remove(
          gone.filter((image) => !isWanted(image, host)),
          host,
        );
        return params.build_cache ? { ...(await emptyBuildCache(host)), changed: true } : {};
      },
    };
  },
});

interface ImageOnHost {
  readonly id: string;
  /** RFC 3339: when it was built; empty where its builder does not say. */
  readonly created: string;
  readonly bytes: number;
  /** Tags and digests, each with its repository. */
  readonly names: readonly string[];
  readonly isUsed: boolean;
}

const lineOf = ({ id, names }: ImageOnHost): string => `${names.join(', ') || id}\n`;

/** Without the steps of builds. Undefined where a line is not understood: then nothing is known to be unused. */
export function parseImages(stdout: string): readonly ImageOnHost[] | undefined {
  const lines = stdout.split('\n').filter((line) => line !== '');
  const marked = (pattern: RegExp): ReadonlySet<string> =>
    new Set(lines.flatMap((line) => pattern.exec(line)?.[1] ?? []));
  const used = marked(/^used (sha256:[0-9a-f]{64})$/);
  const leaves = marked(/^leaf (sha256:[0-9a-f]{64})$/);
  const found: ImageOnHost[] = [];
  for (const line of lines) {
    if (/^(?:used|leaf) sha256:/.test(line)) continue;
    const [, id = '', created = '', bytes, tags = '', digests = ''] =
      /^image (sha256:[0-9a-f]{64}) (\S*) (\d+) (null|\[.*\]) (null|\[.*\])$/.exec(line) ?? [];
    if (id === '') return undefined;
    // Docker 29 has what was pulled by digest among the tags too.
    const names = [...new Set([tags, digests].flatMap((list) => (JSON.parse(list) as readonly string[] | null) ?? []))];
    if (names.length > 0 || leaves.has(id))
      found.push({ id, created, bytes: Number(bytes), names, isUsed: used.has(id) });
  }
  return found;
}

/** `shop/app` of `shop/app:1` and of `shop/app@sha256:…`. */
const repositoryOf = (name: string): string => name.replace(/@.*$/, '').replace(/:[^/:]*$/, '');

/** Images that go: in none of their repositories among the last, used by nothing. */
export function outdated(
  images: readonly ImageOnHost[],
  params: Pick<Params, 'keep' | 'repositories' | 'dangling'>,
): readonly ImageOnHost[] {
  const { keep, repositories, dangling } = params;
  const repositoriesOf = ({ names }: ImageOnHost): readonly string[] => [...new Set(names.map(repositoryOf))];
  const byAge = [...images].sort((a, b) => (a.created < b.created ? 1 : a.created > b.created ? -1 : 0));
  const kept = new Set<ImageOnHost>(images.filter(({ isUsed }) => isUsed));
  const counts = new Map<string, number>();
  for (const image of byAge)
    for (const repository of repositoriesOf(image)) {
      const count = counts.get(repository) ?? 0;
      counts.set(repository, count + 1);
      if (count < keep || repositories?.includes(repository) === false) kept.add(image);
    }
  return images.filter((image) => !kept.has(image) && (image.names.length > 0 || dangling));
}

/** The play's new image may be on the host, and in no container yet. */
function isWanted({ names }: ImageOnHost, { services }: TaskHost): boolean {
  const digests = new Set(services?.imageDigests);
  return names.some((name) => digests.has(name.replace(/^.*@/, '')));
}

/** By every name, and without force: docker itself refuses one that somebody has begun to use. */
async function remove(images: readonly ImageOnHost[], host: TaskHost): Promise<void> {
  const references = images.flatMap(({ id, names }) => (names.length === 0 ? [id] : names));
  // The shell that sshd starts takes 128 KiB for the whole line.
  const most = 200;
  for (let at = 0; at < references.length; at += most)
    assertDone(await host.run(['sh', '-c', removeScript, 'rollout-remove-images', ...references.slice(at, at + most)]));
}

/** With the last tag of an image docker takes its digests away too. */
const removeScript = `
for image; do
  docker image inspect --format . -- "$image" >/dev/null 2>&1 || continue
  docker rmi -- "$image" >/dev/null || exit
done`.trim();

async function emptyBuildCache(host: TaskHost): Promise<Result> {
  const answer = await host.run(['docker', 'builder', 'prune', '--force']);
  assertDone(answer);
  const reclaimed = /^Total(?: reclaimed space)?:\s*(\S+)/m.exec(answer.stdout)?.[1] ?? '0B';
  return { changed: !/^0\s*B$/.test(reclaimed), builder_space_reclaimed: reclaimed };
}
