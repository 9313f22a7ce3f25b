import type { Difference } from '../model/difference.ts';
import { formatImageRef, pinnedImage } from '../model/image.ts';
import { Secret } from '../model/secret.ts';
import { isSensitive } from '../model/sensitive.ts';
import type { Canonical, Service } from '../model/service.ts';
import { Inspected } from '../service/inspected.ts';
import type { ContainerPart } from '../service/key.ts';
import { serviceKey, serviceKeys } from '../service/table.ts';
import { hostFilePath } from './create.ts';
import { compareSpecHash } from './hash.ts';
import { labels } from './names.ts';
import type { Container, Image } from './observed.ts';

type Images = ReadonlyMap<string, Image>;

/**
 * What keeps a container from being the desired service: nothing, when it may stay as it is. Whether it runs is not
 * looked at here.
 *
 * A container whose spec hash is the desired one was made from exactly this spec: only what docker changes in living
 * containers can have drifted since, and only that is compared, so that no host's defaults are taken for a change.
 * Where the hash of the rest differs and no value of it does, the difference is one that a container does not show.
 */
export function diffService(desired: Service, container: Container, images: Images): Difference[] {
  const hash = compareSpecHash(desired, container.labels[labels.specHash]);
  const secrets = secretPaths(container);
  const differences = serviceKeys.flatMap(({ name, container: part }) => {
    if (part === undefined || (hash?.sameFixed === true && part.mutable !== true)) return [];
    const { want, have } = compared(name, part, desired, container, images);
    if (hash?.sameMutable === true && part.discardable === true && have === undefined) return [];
    return compare(name, want, have, { part, secrets });
  });
  const isShown = differences.some(({ path }) => !isMutable(path));
  const hidden: Difference[] = hash?.sameFixed === false && !isShown ? [{ path: 'spec' }] : [];
  return [...imageDifference(desired, container, images), ...differences, ...hidden];
}

/**
 * `docker update` arguments that end every difference; `undefined` where only a new container can, and where there is
 * no difference.
 */
export function liveUpdate(desired: Service, container: Container, images: Images): readonly string[] | undefined {
  const changed = new Set(diffService(desired, container, images).map(({ path }) => path.split('.')[0]));
  if (changed.size === 0) return undefined;
  const live = serviceKeys
    .filter(({ name }) => changed.has(name))
    .map(({ name, container: part }) => part?.live?.(desired.spec[name], desired.spec));
  // The image has no entry with a container part: a difference without its arguments cannot be made live.
  if (live.length < changed.size || live.some((args) => args === undefined)) return undefined;
  return [...new Set(live.flatMap((args) => args ?? []))];
}

/**
 * `docker update` arguments that give a container what it had before a live update, the restart policy aside; none
 * where it has all of it still, or docker cannot take it back.
 */
export function revertLive(before: Container, now: Container): readonly string[] {
  const had = settingsOf(before);
  const has = settingsOf(now);
  const args = liveKeys
    .filter(({ name }) => name !== 'restart' && !same(had[name], has[name]))
    .flatMap(({ name, container: part }) => part?.live?.(had[name], had) ?? []);
  return [...new Set(args)];
}

const liveKeys = serviceKeys.filter(({ container: part }) => part?.live !== undefined);

/** What docker can change in a living container, in the words of the service's spec. */
function settingsOf(container: Container): Record<string, Canonical> {
  const inspected = new Inspected(container.inspect);
  const noImage = new Inspected(undefined);
  const settings = liveKeys.flatMap(({ name, container: part }) => {
    const value = part?.read(inspected, undefined, noImage);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(settings);
}

function isMutable(path: string): boolean {
  return serviceKey.get(path.split('.')[0] ?? '')?.container?.mutable === true;
}

/** Whether the container runs the image that is wanted: by digest, else by what the tag means on its host. */
function imageDifference({ image }: Service, container: Container, images: Images): Difference[] {
  const own = images.get(container.imageId);
  const wanted = images.get(pinnedImage(image));
  const same =
    wanted?.id === container.imageId ||
    (image.digest !== undefined &&
      (container.imageName === pinnedImage(image) ||
        container.imageId === image.digest ||
        own?.repoDigests.some((repoDigest) => repoDigest.endsWith(`@${image.digest ?? ''}`)) === true));
  if (same) return [];
  const from = container.labels[labels.image] ?? own?.repoTags[0] ?? container.imageName;
  return [{ path: 'image', from: shortImage(from), to: shortImage(formatImageRef(image)) }];
}

/** An image for people: its digest shortened, where a tag says more, left out. */
function shortImage(name: string): string {
  return name.replace(/(:[\w][\w.-]*)@sha256:[0-9a-f]{64}$/, '$1').replace(/(sha256:[0-9a-f]{12})[0-9a-f]{52}$/, '$1');
}

function compared(
  name: string,
  part: ContainerPart,
  desired: Service,
  container: Container,
  images: Images,
): { readonly want: Canonical | undefined; readonly have: Canonical | undefined } {
  const image = new Inspected(images.get(container.imageId)?.inspect);
  const inherited = part.inherited?.(image);
  const value = desired.spec[name];
  const want =
    value === undefined ? undefined : (part.comparable?.(value, (...file) => hostFilePath(desired, ...file)) ?? value);
  const have = part.read(new Inspected(container.inspect), value, image);
  return { want: without(want, inherited), have: without(have, inherited) };
}

/** A value without what the image gives anyway: whole for lists and scalars, entry by entry for maps. */
export function without(value: Canonical | undefined, inherited: Canonical | undefined): Canonical | undefined {
  if (value === undefined || inherited === undefined) return value;
  if (!isMap(value) || !isMap(inherited)) return same(value, inherited) ? undefined : value;
  const own = Object.entries(value).filter(([key, item]) => !same(item, inherited[key]));
  return own.length === 0 ? undefined : Object.fromEntries(own);
}

interface Showing {
  readonly part: ContainerPart;
  /** Paths whose value in the container is a secret. */
  readonly secrets: ReadonlySet<string>;
}

function compare(
  path: string,
  want: Canonical | undefined,
  have: Canonical | undefined,
  showing: Showing,
): Difference[] {
  if (same(want, have)) return [];
  if ((isMap(want) || want === undefined) && (isMap(have) || have === undefined)) {
    const keys = [...new Set([...Object.keys(want ?? {}), ...Object.keys(have ?? {})])].sort();
    if (keys.length > 0) return keys.flatMap((key) => compare(`${path}.${key}`, want?.[key], have?.[key], showing));
  }
  if (want instanceof Secret || showing.secrets.has(path) || isHidden(path, have)) return [{ path, secret: true }];
  const from = have === undefined ? undefined : show(have, showing.part);
  const to = want === undefined ? undefined : show(want, showing.part);
  return [{ path, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }];
}

/** Variables that were secrets when the container was made: taken out of the play they are secrets still. */
function secretPaths(container: Container): ReadonlySet<string> {
  const names = container.labels[labels.secrets]?.split(',') ?? [];
  return new Set(names.map((name) => `environment.${name}`));
}

function same(want: Canonical | undefined, have: Canonical | undefined): boolean {
  if (want instanceof Secret) return have === want.reveal();
  if (isList(want) && isList(have)) {
    return want.length === have.length && want.every((item, index) => same(item, have[index]));
  }
  if (isMap(want) && isMap(have)) {
    const keys = Object.keys(want);
    return keys.length === Object.keys(have).length && keys.every((key) => key in have && same(want[key], have[key]));
  }
  return want === have;
}

/**
 * Files are told apart by their hash, which is nothing to show. A variable on the host whose name or value says that it
 * is a secret is not shown either, whoever put it there.
 */
function isHidden(path: string, have: Canonical | undefined): boolean {
  if (/^(?:configs|secrets)\./.test(path)) return true;
  const variable = /^environment\.(.*)$/s.exec(path)?.[1];
  return variable !== undefined && isSensitive(variable, typeof have === 'string' ? have : '');
}

function show(value: Canonical, part: ContainerPart): string {
  if (part.format !== undefined) return part.format(value);
  if (isList(value)) return value.map((item) => show(item, part)).join(', ');
  if (isMap(value))
    return (
      Object.entries(value)
        .map(([key, item]) => `${key}=${show(item, part)}`)
        .join(', ') || '{}'
    );
  if (value instanceof Secret) return value.toString();
  return value === '' ? '""' : String(value);
}

function isList(value: Canonical | undefined): value is readonly Canonical[] {
  return Array.isArray(value);
}

function isMap(value: Canonical | undefined): value is { readonly [key: string]: Canonical } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Secret);
}
