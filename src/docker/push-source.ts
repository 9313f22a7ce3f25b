import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeEnd, lastWords, runProgram, type ProgramOptions } from '../local/program.ts';
import { formatImageRef, isImageId, pinnedImage, type ImageRef } from '../model/image.ts';
import { readImageArchive, type ArchivedImage } from './archive/image-archive.ts';
import { readOciImage, type OciImage } from './archive/oci-layout.ts';
import { TarError } from './archive/tar.ts';
import type { ImageStore } from './observed.ts';
import { RegistryError } from './registry-error.ts';
import { parseJson } from './registry-words.ts';

/** Which images the controller sends to hosts itself. */
export interface PushOptions {
  /** Every image of every service. */
  readonly all: boolean;
  /** These, with the archive that each is in where it is not in the controller's docker. */
  readonly listed: readonly { readonly image: ImageRef; readonly file?: string }[];
  readonly env: NodeJS.ProcessEnv;
}

/** An image that is ready to be sent. */
export interface SendableImage {
  readonly path: string;
  readonly image: ArchivedImage;
  /** As containerd's store keeps it; reads it once, when it is first asked for. */
  readonly oci: () => Promise<OciImage>;
}

const inspectTimeoutMs = 60_000;
const saveTimeoutMs = 30 * 60_000;
export const mostInspectBytes = 4 * 1024 * 1024;

/**
 * Images of the controller, from its docker or from archives. Each is looked up once, and saved to a file once, when the
 * first host lacks something of it. Every method rejects with a RegistryError: it stands in a registry's place.
 */
export class PushSource {
  readonly #options: PushOptions;
  readonly #found = new Map<string, Promise<{ readonly id: string; readonly platform: string }>>();
  readonly #sendable = new Map<string, Promise<SendableImage>>();
  readonly #used = new Set<string>();
  #folder: Promise<string> | undefined;

  constructor(options: PushOptions) {
    this.#options = options;
  }

  /** Whether hosts get an image from here. */
  has(image: ImageRef): boolean {
    return this.#options.all || this.#listed(image) !== undefined;
  }

  /** The image with the id of its document. `platform` of the host, as `linux/arm64`: the image must be for it. */
  async resolve(image: ImageRef, platform: string | undefined): Promise<ImageRef> {
    const name = formatImageRef(image);
    this.#used.add(name);
    const found = await once(this.#found, name, () => this.#find(image));
    if (platform !== undefined && !mayRunOn(found.platform, platform))
      throw this.#error(image, `${name} is made for ${found.platform}, and not for ${platform}`, {
        kind: 'platform_missing',
        hint: `Build it for ${platform}, or leave the hosts of that platform out.`,
      });
    return { ...image, imageId: found.id };
  }

  /** The image with the id that a docker with such a store has for it. */
  async named(image: ImageRef, store: ImageStore): Promise<ImageRef> {
    if (store === 'docker') return image;
    const { oci } = await this.sendable(image);
    return { ...image, imageId: (await oci()).id };
  }

  /** Those of the list that no service uses. */
  unused(): readonly string[] {
    return this.#options.listed.map(({ image }) => formatImageRef(image)).filter((name) => !this.#used.has(name));
  }

  sendable(image: ImageRef): Promise<SendableImage> {
    return once(this.#sendable, formatImageRef(image), () => this.#save(image));
  }

  /** Removes what was saved. */
  async close(): Promise<void> {
    const folder = await this.#folder?.catch(() => undefined);
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }

  #listed(image: ImageRef): PushOptions['listed'][number] | undefined {
    return this.#options.listed.find((each) => formatImageRef(each.image) === formatImageRef(image));
  }

  async #find(image: ImageRef): Promise<{ readonly id: string; readonly platform: string }> {
    if (this.#listed(image)?.file === undefined) {
      const found = await this.#inspect(image);
      if (found !== undefined) return found;
    }
    const { image: archived } = await this.sendable(image);
    return archived;
  }

  /** What docker here says of it; undefined where its own id is not that of the image's document. */
  async #inspect(image: ImageRef): Promise<{ readonly id: string; readonly platform: string } | undefined> {
    const name = formatImageRef(image);
    const argv = ['docker', 'image', 'inspect', '--format={{json .}}', '--', pinnedImage(image)];
    const stdout = await this.#docker(image, argv, {
      what: `docker here has no image ${name}`,
      timeoutMs: inspectTimeoutMs,
    });
    const { Id: id, Descriptor: descriptor, Os: os, Architecture: architecture } = recordOf(parseJson(stdout));
    // In containerd's store an image goes by the digest of its manifest.
    if (typeof id === 'string' && recordOf(descriptor)['digest'] === id) return undefined;
    if (typeof id === 'string' && isImageId(id) && typeof os === 'string')
      return { id, platform: `${os}/${String(architecture)}` };
    throw this.#error(image, `what docker here says of ${name} is no image`);
  }

  async #save(image: ImageRef): Promise<SendableImage> {
    const given = this.#listed(image)?.file;
    if (given !== undefined) return this.#read(image, given);
    const path = join(await this.#tempFolder(), `${this.#sendable.size}.tar`);
    const file = await open(path, 'wx', 0o600);
    try {
      await this.#docker(image, ['docker', 'save', pinnedImage(image)], {
        what: `docker here could not save ${formatImageRef(image)}`,
        timeoutMs: saveTimeoutMs,
        stdoutTo: file.fd,
      });
    } finally {
      await file.close();
    }
    return this.#read(image, path);
  }

  async #read(image: ImageRef, path: string): Promise<SendableImage> {
    let file: FileHandle | undefined;
    try {
      file = await open(path, 'r');
      const archived = await readImageArchive(file, image);
      let stored: Promise<OciImage> | undefined;
      return { path, image: archived, oci: () => (stored ??= readOciImage(path, archived)) };
    } catch (error) {
      if (!(error instanceof TarError) && !(error instanceof Error && 'code' in error)) throw error;
      throw this.#error(image, `${path} cannot be sent: ${error.message}`, {
        hint: 'It must be an archive as docker save or an OCI layout makes it.',
      });
    } finally {
      await file?.close();
    }
  }

  async #docker(
    image: ImageRef,
    argv: readonly string[],
    { what, ...more }: { readonly what: string } & Pick<ProgramOptions, 'timeoutMs' | 'stdoutTo'>,
  ): Promise<string> {
    const options = { env: this.#options.env, mostBytes: mostInspectBytes, ownGroup: true, ...more };
    const result = await runProgram(argv, options);
    const why = describeEnd(result.end, options);
    if (why === undefined) return result.stdout;
    const words = lastWords(result);
    throw this.#error(image, `${what}: ${words === '' ? why : words}`, {
      kind: 'not_found',
      hint: `Build or pull it here, or give the archive that it is in: --push ${formatImageRef(image)}=FILE`,
    });
  }

  #tempFolder(): Promise<string> {
    return (this.#folder ??= mkdtemp(join(this.#options.env['TMPDIR'] ?? tmpdir(), 'rollout-push-')));
  }

  #error(
    image: ImageRef,
    message: string,
    { kind = 'failed', ...more }: { kind?: 'failed' | 'not_found' | 'platform_missing'; hint?: string } = {},
  ): RegistryError {
    return new RegistryError(image.registry, kind, message, more);
  }
}

/** Processors that run what is made for another one. */
const alsoRuns: Readonly<Record<string, string>> = { 'linux/amd64': 'linux/386', 'linux/arm64': 'linux/arm' };

function mayRunOn(made: string, host: string): boolean {
  const platform = host.split('/').slice(0, 2).join('/');
  return made === platform || made === alsoRuns[platform];
}

function once<Value>(cache: Map<string, Promise<Value>>, key: string, make: () => Promise<Value>): Promise<Value> {
  let value = cache.get(key);
  if (value === undefined) {
    value = make();
    cache.set(key, value);
    // Whoever asks hears of it; the first may have gone by then.
    value.catch(() => undefined);
  }
  return value;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}
