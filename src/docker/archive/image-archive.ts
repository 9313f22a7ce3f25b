import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { formatImageRef, imageName, isImageId, type ImageRef } from '../../model/image.ts';
import { parseJson } from '../registry-words.ts';
import { indexTar, readAt, TarError, type TarMember } from './tar.ts';

/** One image in an archive of `docker save` or of the OCI layout: its own document, and where its layers lie. */
export interface ArchivedImage {
  /** `sha256:…` of its document. */
  readonly id: string;
  readonly config: Buffer;
  /** `linux/arm64` */
  readonly platform: string;
  /** From the base up. */
  readonly layers: readonly ArchivedLayer[];
}

export interface ArchivedLayer extends TarMember {
  /** `sha256:…` of the layer as it is unpacked: by this a host knows what it has. */
  readonly diffId: string;
}

const mostDocumentBytes = 8 * 1024 * 1024;

type Fields = Readonly<Record<string, unknown>>;

/** Finds an image in an archive. @throws TarError in words for what is missing or does not fit together */
export async function readImageArchive(file: FileHandle, wanted: ImageRef): Promise<ArchivedImage> {
  const archive = new Archive(file, await indexTar(file));
  return archive.has('manifest.json') ? archive.ofDocker(wanted) : archive.ofOci(wanted);
}

class Archive {
  readonly #file: FileHandle;
  readonly #members: ReadonlyMap<string, TarMember>;

  constructor(file: FileHandle, members: ReadonlyMap<string, TarMember>) {
    this.#file = file;
    this.#members = members;
  }

  has(path: string): boolean {
    return this.#members.has(path);
  }

  async ofDocker(wanted: ImageRef): Promise<ArchivedImage> {
    const entries = listOf(await this.#json('manifest.json'));
    const tagsOf = (entry: Fields): readonly string[] => listOfTexts(entry['RepoTags']);
    const names = [formatImageRef(wanted), `${imageName(wanted)}:${wanted.tag ?? 'latest'}`];
    const chosen = entries.find((entry) => tagsOf(entry).some((tag) => names.includes(tag)));
    const [only] = entries.length === 1 ? entries : [];
    const entry = chosen ?? only;
    if (entry === undefined)
      throw new TarError(`it does not hold ${formatImageRef(wanted)}, but ${entries.flatMap(tagsOf).join(', ')}`);
    const config = await this.#bytes(textOf(entry['Config']));
    return imageOf(
      config,
      listOfTexts(entry['Layers']).map((path) => this.#member(path)),
    );
  }

  async ofOci(wanted: ImageRef): Promise<ArchivedImage> {
    if (!this.has('index.json')) throw new TarError('it is neither of docker save nor of the OCI layout');
    const manifest = await this.#manifest(await this.#json('index.json'), wanted, 0);
    const digest = textOf(recordOf(manifest['config'])['digest']);
    const config = await this.#blob(digest);
    return imageOf(
      config,
      listOf(manifest['layers']).map((layer) => this.#member(pathOf(textOf(layer['digest'])))),
    );
  }

  /** The one manifest of an index, or of the index in it; what attests to others is none. */
  async #manifest(index: unknown, wanted: ImageRef, depth: number): Promise<Fields> {
    const all = listOf(recordOf(index)['manifests']).filter(
      (each) =>
        recordOf(each['platform'])['os'] !== 'unknown' && recordOf(each['annotations'])[attestation] === undefined,
    );
    const named = all.filter((each) => isNamed(recordOf(each['annotations']), wanted));
    const [chosen, ...others] = named.length > 0 ? named : all;
    if (chosen === undefined || depth > 3) throw new TarError('its index names no image');
    if (others.length > 0) {
      const platforms = all.map((each) => platformOf(recordOf(each['platform']))).join(', ');
      throw new TarError(`it holds ${all.length} images (${platforms}): save the one that is wanted`);
    }
    const found = recordOf(parseJson((await this.#blob(textOf(chosen['digest']))).toString('utf8')));
    return 'manifests' in found ? this.#manifest(found, wanted, depth + 1) : found;
  }

  async #blob(digest: string): Promise<Buffer> {
    const bytes = await this.#bytes(pathOf(digest));
    if (digestOf(bytes) !== digest) throw new TarError(`its ${digest} is damaged`);
    return bytes;
  }

  async #json(path: string): Promise<unknown> {
    return parseJson((await this.#bytes(path)).toString('utf8'));
  }

  async #bytes(path: string): Promise<Buffer> {
    const { offset, bytes } = this.#member(path);
    if (bytes > mostDocumentBytes) throw new TarError(`its ${path} is too large`);
    return readAt(this.#file, offset, bytes);
  }

  #member(path: string): TarMember {
    const found = this.#members.get(path);
    if (found === undefined) throw new TarError(`it has no ${path === '' ? 'description of its image' : path}`);
    return found;
  }
}

const attestation = 'vnd.docker.reference.type';

function isNamed(annotations: Fields, wanted: ImageRef): boolean {
  const name = formatImageRef(wanted);
  return [annotations['org.opencontainers.image.ref.name'], annotations['io.containerd.image.name']].some(
    (each) => each === name || (wanted.tag !== undefined && each === wanted.tag),
  );
}

function imageOf(config: Buffer, members: readonly TarMember[]): ArchivedImage {
  const document = recordOf(parseJson(config.toString('utf8')));
  const diffIds = listOfTexts(recordOf(document['rootfs'])['diff_ids']);
  if (diffIds.length !== members.length || !diffIds.every(isImageId))
    throw new TarError(`its image has ${members.length} layers, and speaks of ${diffIds.length}`);
  return {
    id: digestOf(config),
    config,
    platform: platformOf(document),
    layers: members.map((member, index) => ({ ...member, diffId: diffIds[index] ?? '' })),
  };
}

function platformOf(document: Fields): string {
  return [document['os'], document['architecture']].map(textOf).join('/');
}

/** Where the OCI layout keeps a blob. */
function pathOf(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/** `sha256:…` */
export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(recordOf) : [];
}

function listOfTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

function recordOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
