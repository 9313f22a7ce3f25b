import { diffService, without } from '../docker/diff.ts';
import { labels, nextName, previousName } from '../docker/names.ts';
import type { Container, Image, Observed } from '../docker/observed.ts';
import { imageName, parseImageRef, type ImageRef } from '../model/image.ts';
import { Inspected } from '../service/inspected.ts';
import { parseService } from '../service/parse.ts';
import { serviceKeys } from '../service/table.ts';
import { isSecretVariable, placeholder, withoutSecrets } from './mask.ts';
import type { SecretNames } from './secret-names.ts';
import { escaped } from './template.ts';

/** A host as it was found, with all of its containers. */
export interface FoundHost {
  readonly name: string;
  /** As it is connected to. */
  readonly address: string | undefined;
  readonly observed: Observed;
}

/** A container as a playbook would have it. */
export interface WrittenService {
  /** The key under `services`. */
  readonly name: string;
  /** Compose's keys, the image aside. */
  readonly value: Readonly<Record<string, unknown>>;
  readonly image: ImageRef;
  /** What the playbook cannot say of it, a line each. */
  readonly notes: readonly string[];
}

const composeLabel = 'com.docker.compose.';
/** Of containers that rollout has made: its files lie on the host under names of its own. */
const ownKeys: ReadonlySet<string> = new Set(['configs', 'secrets']);

/** The containers that serve on a host; those that rollout keeps beside them, and those that are stopped, do not. */
export function servingContainers({ observed }: FoundHost): readonly Container[] {
  const all = [...observed.containers.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const besides = new Set(all.flatMap(({ name }) => [nextName(name), previousName(name)]));
  return all.filter(({ name, state }) => state.running && !besides.has(name));
}

/** Every serving container of a host as a service: read back key by key, and held against the container it came from. */
export function servicesOf(host: FoundHost, secrets: SecretNames): readonly WrittenService[] {
  const serving = servingContainers(host);
  const names = serviceNames(serving);
  return serving.flatMap((container) => {
    const written = serviceOf(container, host, names, secrets);
    return written === undefined ? [] : [written];
  });
}

/** Compose's name of a service, where only one container has it; else the container's. */
function serviceNames(containers: readonly Container[]): ReadonlyMap<string, string> {
  const wish = (container: Container): string => container.labels[`${composeLabel}service`] ?? container.name;
  const wishes = containers.map(wish);
  return new Map(
    containers.map((container) => {
      const name = wish(container);
      const isOwn = wishes.filter((each) => each === name).length === 1 && /^[A-Za-z0-9][\w.-]+$/.test(name);
      return [container.id, isOwn ? name : container.name];
    }),
  );
}

function serviceOf(
  container: Container,
  host: FoundHost,
  names: ReadonlyMap<string, string>,
  secrets: SecretNames,
): WrittenService | undefined {
  const name = names.get(container.id) ?? container.name;
  const image = imageOf(container, host.observed.images);
  if (image === undefined) return undefined;
  const notes: string[] = [];
  const read = readKeys(container, host, names);
  const guarded = Object.entries(read).map(([key, value]) => {
    if (key === 'environment')
      return [key, environmentOf(value as Variables, { container, host: host.name, secrets, notes })] as const;
    const masked = withoutSecrets(value);
    if (masked !== value) notes.push(`${key} held what looks like a secret; ${placeholder} stands for it`);
    return [key, masked] as const;
  });
  const dependencies = dependenciesOf(container, names);
  const whole = {
    ...(name === container.name ? {} : { container_name: container.name }),
    ...(image.digest === undefined ? { pull_policy: 'never' } : {}),
    ...Object.fromEntries(guarded.filter(([, value]) => !isEmpty(value))),
    ...(dependencies === undefined ? {} : { depends_on: dependencies }),
  };
  const value = checked(name, whole, { container, image, host, secrets, notes });
  return { name, value: escaped(value) as typeof value, image, notes };
}

/** By tag and digest, so that a tag that has moved since changes nothing; without a digest where no registry has given one. */
function imageOf(
  { imageId, imageName: created, labels: said }: Container,
  images: Observed['images'],
): ImageRef | undefined {
  const image: Image | undefined = images.get(imageId);
  const isId = /^(?:sha256:)?[0-9a-f]{12,64}$/.test(created);
  const written = said[labels.image] ?? (isId ? (image?.repoTags[0] ?? image?.repoDigests[0]) : created);
  const ref = written === undefined ? undefined : parseImageRef(written);
  if (ref === undefined || ref.digest !== undefined) return ref;
  const digest = image?.repoDigests.find((each) => each.startsWith(`${imageName(ref)}@`))?.split('@')[1];
  return digest === undefined ? ref : { ...ref, digest };
}

/** Every key's value as the table reads it, without what the image gives anyway. */
function readKeys(
  container: Container,
  { observed }: FoundHost,
  names: ReadonlyMap<string, string>,
): Record<string, unknown> {
  const inspected = new Inspected(container.inspect);
  const image = new Inspected(observed.images.get(container.imageId)?.inspect);
  const read = serviceKeys.flatMap(({ name, container: part }): [string, unknown][] => {
    // Nobody asked for a platform, nor for a group of processes: what is read is the host's own.
    if (part === undefined || ownKeys.has(name) || name === 'platform') return [];
    const value = without(part.read(inspected, undefined, image), part.inherited?.(image));
    if (value === undefined) return [];
    const written = part.write?.(value) ?? value;
    return [[name, name === 'labels' ? withoutOrigin(written as Variables) : named(written, observed, names)]];
  });
  return { ...Object.fromEntries(read), ...networksOf(Object.fromEntries(read), container, names) };
}

/** Compose's own labels say where a container came from, and nothing of what it is. */
function withoutOrigin(said: Variables): Variables {
  return Object.fromEntries(Object.entries(said).filter(([label]) => !label.startsWith(composeLabel)));
}

/** `container:ID` as the service that it is. */
function named(value: unknown, { containers }: Observed, names: ReadonlyMap<string, string>): unknown {
  const [, id] = typeof value === 'string' ? (/^container:([0-9a-f]{64})$/.exec(value) ?? []) : [];
  if (id === undefined) return value;
  const service = names.get(id);
  if (service !== undefined) return `service:${service}`;
  const other = [...containers.values()].find((each) => each.id === id);
  return other === undefined ? value : `container:${other.name}`;
}

/** Only the names where there is no more to say, and docker's bridge by its mode: else services would share a network. */
function networksOf(
  read: Readonly<Record<string, unknown>>,
  container: Container,
  names: ReadonlyMap<string, string>,
): { readonly networks?: unknown; readonly network_mode?: string } {
  const networks = read['networks'] as Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
  if (networks === undefined) return read['network_mode'] === undefined ? { network_mode: 'bridge' } : {};
  const known = new Set([names.get(container.id), container.name]);
  const rest = Object.entries(networks).map(([network, { aliases, ...others }]) => {
    const own = ((aliases ?? []) as readonly string[]).filter((alias) => !known.has(alias));
    return [network, { ...(own.length === 0 ? {} : { aliases: own }), ...others }] as const;
  });
  const isPlain = rest.every(([, options]) => Object.keys(options).length === 0);
  return { networks: isPlain ? rest.map(([network]) => network) : Object.fromEntries(rest) };
}

type Variables = Readonly<Record<string, string>>;

interface Place {
  readonly container: Container;
  readonly host: string;
  readonly secrets: SecretNames;
  readonly notes: string[];
}

/** Variables that look like secrets become ones. */
function environmentOf(variables: Variables, { container, host, secrets, notes }: Place): Record<string, unknown> {
  const entries = Object.entries(variables).flatMap(([name, value]): [string, unknown][] => {
    if (!isSecretVariable(name, value)) return [[name, value]];
    if (!/[\n\r\0]/.test(value)) return [[name, { secret: secrets.name(name, value, host, container.name) }]];
    notes.push(`environment.${name} is a secret of several lines, and was left out: mount it, under secrets`);
    return [];
  });
  return Object.fromEntries(entries);
}

/** What Compose has noted of a service's dependencies: `db:service_healthy:false,…`. */
function dependenciesOf(
  { labels: said }: Container,
  names: ReadonlyMap<string, string>,
): Readonly<Record<string, object>> | undefined {
  const known = new Set(names.values());
  const pairs = (said[`${composeLabel}depends_on`] ?? '').split(',').flatMap((item) => {
    const [service = '', condition = ''] = item.split(':');
    return known.has(service) && /^service_(?:started|healthy)$/.test(condition)
      ? [[service, { condition }] as const]
      : [];
  });
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
}

interface Origin extends Omit<Place, 'host'> {
  readonly image: ImageRef;
  readonly host: FoundHost;
}

/** What can be entered, and nothing else; what then still differs from the container is noted. */
function checked(
  name: string,
  written: Readonly<Record<string, unknown>>,
  { container, image, host, secrets, notes }: Origin,
): Readonly<Record<string, unknown>> {
  const context = { secrets: secrets.values, component: () => image, readFile: () => undefined };
  const { problems } = parseService(name, { ...written, image: image.written }, context);
  const unfit = new Map(problems.map(({ path: [key], message }) => [String(key), message]));
  for (const [key, message] of unfit) notes.push(`${key} was left out: ${message}`);
  const value = Object.fromEntries(Object.entries(written).filter(([key]) => !unfit.has(key)));
  const [service] = parseService(name, value, context).services;
  if (service === undefined) return value;
  for (const { path } of diffService(service, container, host.observed.images)) {
    if (path.startsWith('labels.') || path === 'image' || unfit.has(path.split('.')[0] ?? '')) continue;
    if (notes.some((note) => note.startsWith(path.split('.')[0] ?? ''))) continue;
    notes.push(`${path} will be another one: see the plan`);
  }
  return value;
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
