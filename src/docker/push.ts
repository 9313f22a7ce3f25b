import { Readable } from 'node:stream';
import { formatImageRef, type ImageRef } from '../model/image.ts';
import type { ArchivedImage } from './archive/image-archive.ts';
import { bytesOf, loadStream, missingLayers } from './archive/load-stream.ts';
import { missingFiles, ociStream } from './archive/oci-layout.ts';
import { script, type Argv } from './commands.ts';
import type { Docker } from './docker.ts';
import { DockerError } from './errors.ts';
import type { SendableImage } from './push-source.ts';
import { parseJson } from './registry-words.ts';

const loadTimeoutMs = 30 * 60_000;

/** Something of every image, a line each; an image that goes meanwhile has none. */
const everyImage = (format: string): Argv =>
  script(
    'rollout-layers',
    `
ids=$(docker image ls --all --quiet --no-trunc) || exit
[ -z "$ids" ] || docker image inspect --format "$1" -- $(printf '%s\\n' "$ids" | sort -u) || :
`,
    [format],
  );

/** Bytes of layers: those that are sent, and all. */
export interface PushedBytes {
  readonly sentBytes: number;
  readonly totalBytes: number;
}

interface PushOptions {
  /** Hears of the bytes that the host has taken, of those that are sent. */
  readonly onSent?: (sent: PushedBytes) => void;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends an image to a host: only the layers that the host lacks. Docker checks every byte of it against the image's id,
 * and that it then has it is asked.
 * @throws DockerError, RemoteError
 */
export async function pushImage(
  docker: Docker,
  host: string,
  ref: ImageRef,
  { path, image, oci }: SendableImage,
  { onSent = () => undefined, signal }: PushOptions = {},
): Promise<PushedBytes> {
  const tell = async (format: string): Promise<readonly unknown[]> =>
    (await docker.run(everyImage(format))).stdout.split('\n').map(parseJson);
  // By which of its names the host was found to know it: that of containerd's store, or of docker's own.
  const stored = ref.imageId === image.id ? undefined : await oci();
  const id = stored?.id ?? image.id;
  const lacking =
    stored === undefined
      ? missingLayers(image, (await tell('{{json .RootFS.Layers}}')).map(textsOf))
      : missingFiles(stored, await tell('{{json .Descriptor}}'));
  let sentBytes = 0;
  /** @returns what docker says where the image is not there as a whole */
  const load = async (sent: ArchivedImage['layers']): Promise<DockerError | undefined> => {
    sentBytes += bytesOf(sent);
    const archive =
      stored === undefined ? loadStream(path, image, { ref, sent }) : ociStream(path, stored, { ref, sent });
    const stdin = counted(archive, bytesOf(sent), onSent);
    try {
      const loaded = await docker.run(['docker', 'load', '--quiet'], {
        stdin,
        timeoutMs: loadTimeoutMs,
        ...(signal === undefined ? {} : { signal }),
      });
      return await findTrouble(docker, host, { id, ref, layers: image.layers, loaded: loaded.stdout });
    } catch (error) {
      if (error instanceof DockerError) return error;
      throw error;
    }
  };
  let trouble = await load(lacking);
  // A layer that was there is gone, as when somebody prunes images.
  if (trouble !== undefined && lacking.length < image.layers.length) trouble = await load(image.layers);
  if (trouble !== undefined) throw trouble;
  return { sentBytes, totalBytes: bytesOf(image.layers) };
}

/** The same bytes. What an archive holds besides its layers is too little to be told apart. */
function counted(archive: Readable, totalBytes: number, onSent: (sent: PushedBytes) => void): Readable {
  let readBytes = 0;
  async function* chunks(): AsyncGenerator<Buffer> {
    for await (const chunk of archive as AsyncIterable<Buffer>) {
      yield chunk;
      readBytes += chunk.length;
      onSent({ sentBytes: Math.min(readBytes, totalBytes), totalBytes });
    }
  }
  return Readable.from(chunks(), { objectMode: false });
}

interface LoadedImage {
  readonly id: string;
  readonly ref: ImageRef;
  readonly layers: ArchivedImage['layers'];
  /** What docker load printed. */
  readonly loaded: string;
}

/** An image of which a layer is missing is listed as others are, and docker load ends with 0 all the same. */
async function findTrouble(
  docker: Docker,
  host: string,
  { id, ref, layers, loaded }: LoadedImage,
): Promise<DockerError | undefined> {
  const argv = ['docker', 'image', 'inspect', '--format={{.Id}} {{json .RootFS}}', '--', id];
  const { stdout } = await docker.run(argv);
  const [found, rootFs] = [stdout.slice(0, stdout.indexOf(' ')), stdout.slice(stdout.indexOf(' ') + 1)];
  const unpacking = /^Error unpacking image .*$/m.exec(loaded)?.[0];
  const isWhole = JSON.stringify(layersOf(parseJson(rootFs))) === JSON.stringify(layers.map(({ diffId }) => diffId));
  if (found === id && isWhole && unpacking === undefined) return undefined;
  const what = `docker load ended without an error, and ${formatImageRef(ref)} is not there as ${id}`;
  return new DockerError(host, argv, 0, unpacking === undefined ? what : `${what}: ${unpacking}`);
}

function layersOf(rootFs: unknown): readonly string[] {
  return typeof rootFs === 'object' && rootFs !== null && 'Layers' in rootFs ? textsOf(rootFs.Layers) : [];
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
