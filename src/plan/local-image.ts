import { labels } from '../docker/names.ts';
import type { Observed } from '../docker/observed.ts';
import { Inspected } from '../service/inspected.ts';
import { formatImageRef, imageName, parseImageRef, type ImageRef } from '../model/image.ts';
import type { Service } from '../model/service.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** Whether what a host has may decide which image the service's tag means. */
export function asksHostFirst({ image, pullPolicy }: Service): boolean {
  return image.digest === undefined && pullPolicy !== 'always';
}

/**
 * The image that a tag means on a host, by the service's pull_policy; undefined where the registry is to be asked.
 * With its digest, or without one where no registry has given it any.
 */
export function localImage(service: Service, observed: Observed, nowMs: number): ImageRef | undefined {
  const running = imageOfContainer(service, observed);
  switch (service.pullPolicy) {
    case 'always':
      return undefined;
    case 'daily':
      return running !== undefined && nowMs - running.createdAtMs < dayMs ? running.image : undefined;
    case 'missing':
    case 'never':
      return imageOfTag(service.image, observed) ?? running?.image;
  }
}

/**
 * What a plan takes a tag to mean that no registry tells it: what the running container was made from, where that was this
 * tag (hosts pull by digest, so that their tags stay behind), or else what the host has under it.
 */
export function presumedImage(service: Service, observed: Observed): ImageRef {
  return imageOfContainer(service, observed)?.image ?? imageOfTag(service.image, observed) ?? service.image;
}

/** What the service's container was made from, where that was this tag, and the image is still there. */
function imageOfContainer(
  { image, containerName }: Service,
  { containers, images }: Observed,
): { readonly image: ImageRef; readonly createdAtMs: number } | undefined {
  const container = containers.get(containerName);
  const written = container?.labels[labels.image];
  if (container === undefined || written === undefined || !images.has(container.imageId)) return undefined;
  const made = parseImageRef(written);
  if (made === undefined || tagOf(made) !== tagOf(image)) return undefined;
  const createdAtMs = Date.parse(new Inspected(container.inspect).text('Created'));
  return { image: withDigest(image, made.digest), createdAtMs };
}

function imageOfTag(image: ImageRef, { images }: Observed): ImageRef | undefined {
  const found = images.get(formatImageRef(image));
  if (found === undefined) return undefined;
  const own = found.repoDigests.find((digest) => digest.startsWith(`${imageName(image)}@`));
  return withDigest(image, own === undefined ? undefined : parseImageRef(own)?.digest);
}

/** `name:tag`, whatever the digest. */
function tagOf({ digest: _, ...image }: ImageRef): string {
  return formatImageRef(image);
}

function withDigest(image: ImageRef, digest: string | undefined): ImageRef {
  return digest === undefined ? image : { ...image, digest };
}

/** Tags that do not mean the same on all hosts, as pull_policy allows; in words for a plan's warnings. */
export function differingImages(
  hosts: readonly { readonly name: string; readonly services: readonly Service[] }[],
): readonly string[] {
  const byTag = new Map<string, Map<string, string[]>>();
  for (const { name, services } of hosts) {
    for (const { image, pullPolicy } of services) {
      if (pullPolicy === 'always' || image.tag === undefined) continue;
      const tag = tagOf(image);
      const digests = byTag.get(tag) ?? new Map<string, string[]>();
      const digest = image.digest ?? 'an image without a digest';
      const having = digests.get(digest) ?? [];
      if (!having.includes(name)) having.push(name);
      byTag.set(tag, digests.set(digest, having));
    }
  }
  return [...byTag].flatMap(([tag, digests]) => {
    if (digests.size < 2) return [];
    const found = [...digests].map(([digest, names]) => {
      const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
      return `${digest.replace(/^(sha256:.{12}).*/, '$1')} on ${names.slice(0, 3).join(', ')}${more}`;
    });
    return [`${tag} is not the same image on all hosts: ${found.join('; ')}. With pull_policy: always it is`];
  });
}
