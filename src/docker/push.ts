import { formatImageRef, type ImageRef } from '../model/image.ts';
import type { ArchivedImage } from './archive/image-archive.ts';
import { bytesOf, loadStream, missingLayers } from './archive/load-stream.ts';
import { script, type Argv } from './commands.ts';
import type { Docker } from './docker.ts';
import { DockerError } from './errors.ts';
import type { SendableImage } from './push-source.ts';
import { parseJson } from './registry-words.ts';

const loadTimeoutMs = 30 * 60_000;

/** What the store of images is, and the layers of every image, from the base up, a JSON list a line; an image that goes meanwhile has none. */
const layersCommand: Argv = script(
  'rollout-layers',
  `
docker info --format '{{json .DriverStatus}}' || exit
ids=$(docker image ls --all --quiet --no-trunc) || exit
[ -z "$ids" ] || docker image inspect --format '{{json .RootFS.Layers}}' -- $(printf '%s\\n' "$ids" | sort -u) || :
`,
  [],
);

/**
 * Sends an image to a host: only the layers that the host lacks. Docker checks every byte of it against the image's id,
 * and that it then has it is asked. @returns bytes of layers, sent and in all
 * @throws DockerError, RemoteError
 */
export async function pushImage(
  docker: Docker,
  host: string,
  ref: ImageRef,
  { path, image }: SendableImage,
): Promise<{ readonly sentBytes: number; readonly totalBytes: number }> {
  const load = (sent: ArchivedImage['layers']): Promise<unknown> =>
    docker.run(['docker', 'load', '--quiet'], {
      stdin: loadStream(path, image, { ref, sent }),
      timeoutMs: loadTimeoutMs,
    });
  const [store = '', ...lines] = (await docker.run(layersCommand)).stdout.split('\n');
  // There an image goes by the digest of a manifest that docker makes up when it loads it.
  if (store.includes('io.containerd.snapshotter'))
    throw new DockerError(
      host,
      layersCommand,
      0,
      'its docker keeps images in containerd\'s store, to which none can be sent; it can with { "features": { "containerd-snapshotter": false } } in its daemon.json',
    );
  const lacking = missingLayers(
    image,
    lines.map((line) => textsOf(parseJson(line))),
  );
  const sent = await load(lacking).then(
    () => lacking,
    async (error: unknown) => {
      if (!(error instanceof DockerError) || lacking.length === image.layers.length) throw error;
      // A layer that was there is gone, as when somebody prunes images.
      await load(image.layers);
      return image.layers;
    },
  );
  const argv = ['docker', 'image', 'inspect', '--format={{.Id}}', '--', image.id];
  const { stdout } = await docker.run(argv);
  if (stdout.trim() === image.id) return { sentBytes: bytesOf(sent), totalBytes: bytesOf(image.layers) };
  const message = `docker load ended without an error, and ${formatImageRef(ref)} is not there as ${image.id}`;
  throw new DockerError(host, argv, 0, message);
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
