import type { Facts } from '../model/host.ts';
import { Inspected } from '../service/inspected.ts';
import { mark, parseParts, type Part } from '../shell/parts.ts';
import { parseContainer, parseImage } from './documents.ts';
import { parseInfo, succeeded } from './info.ts';
import { isAhead } from './names.ts';
import { lookPart } from './step-script.ts';
import type { Wanted } from './commands.ts';
import type { Container, Image, Observed, Survey } from './observed.ts';
import { countedOf, presentOf, type Document, type Inspection } from './present.ts';
import { FailedReading, UnreadableAnswer } from './unreadable.ts';

/**
 * What the survey script prints.
 * @throws FailedReading where docker failed, UnreadableAnswer where it is not what docker prints
 */
export function parseSurvey(stdout: string): Survey {
  const parts = partsOf(stdout);
  const info = parseInfo(partOf(parts, 'info'));
  const rows = parseRows(succeeded(partOf(parts, 'ps')).stdout);
  const ours = rows.filter(({ isOurs }) => isOurs);
  const documents = ours.length === 0 ? [] : presentOf(partOf(parts, 'inspect'), idsOf(ours), isContainerOf);
  for (const { id, names } of ours) refuseOtherName(documents, id, names);
  return {
    facts: parseFacts(info),
    dockerMark: [new Inspected(info).text('ID'), new Inspected(info).text('Name'), ...idsOf(rows).toSorted()].join(' '),
    imageStore: JSON.stringify(info['DriverStatus'] ?? []).includes('io.containerd.snapshotter')
      ? 'containerd'
      : 'docker',
    names: new Set(rows.flatMap(({ names }) => names)),
    isWhole: info['Containers'] === rows.length,
    observed: {
      networks: new Set<string>(),
      volumes: new Set<string>(),
      ...withoutAhead(containersByName(documents.filter((document) => !isImage(document)))),
      images: imagesByKey(documents.filter(isImage)),
    },
  };
}

/** The parts that the observe script prints for what is wanted. @throws as {@link parseSurvey} */
export function parseObserved(stdout: string, { names, images, networks = [], volumes = [] }: Wanted): Observed {
  const parts = partsOf(stdout);
  const ids = names === undefined ? [] : parseIds(succeeded(partOf(parts, 'ps')).stdout);
  const asked = [...(names ?? []), ...ids];
  const containers = asked.length === 0 ? [] : presentOf(partOf(parts, 'containers'), asked, isContainerOf);
  const found = containersByName(containers);
  const isImageAsked = images.length > 0 || [...found.values()].some(({ imageId }) => imageId.startsWith('sha256:'));
  const imageDocuments = isImageAsked ? countedOf(partOf(parts, 'images'), Math.max(images.length, 1)) : [];
  const networkDocuments = byName(networks.length === 0 ? [] : presentOf(partOf(parts, 'networks'), networks, isOf));
  const volumeDocuments = byName(volumes.length === 0 ? [] : presentOf(partOf(parts, 'volumes'), volumes, isOf));
  return {
    ...withoutAhead(found),
    images: imagesByKey(imageDocuments),
    networks: new Set(networkDocuments.keys()),
    volumes: new Set(volumeDocuments.keys()),
    networkDocuments,
    volumeDocuments,
  };
}

/** `docker container inspect`: those of `names` that are there, by name. @throws as {@link parseSurvey} */
export function parseContainers(inspection: Inspection, names: readonly string[]): ReadonlyMap<string, Container> {
  return containersByName(presentOf(inspection, names, isContainerOf));
}

/** How many steps have ended, by what the script of steps has printed so far. */
export function countSteps(stdout: string): number {
  let count = 0;
  for (const line of stdout.split('\n').slice(0, -1)) {
    if (line.trim() !== String(count + 1)) break;
    count += 1;
  }
  return count;
}

/** The containers that the script of steps has looked at; undefined where it has not, or where docker did not answer. */
export function parseLook(stdout: string, names: readonly string[]): ReadonlyMap<string, Container> | undefined {
  const start = stdout.indexOf(mark);
  const look = names.length === 0 || start === -1 ? undefined : parseParts(stdout.slice(start))?.get(lookPart);
  if (look === undefined) return undefined;
  try {
    return parseContainers(look, names);
  } catch (error) {
    if (error instanceof FailedReading || error instanceof UnreadableAnswer) return undefined;
    throw error;
  }
}

type Parts = ReadonlyMap<string, Part>;

function partsOf(stdout: string): Parts {
  const parts = parseParts(stdout);
  if (parts === undefined) throw new UnreadableAnswer('the answer of the host', stdout);
  return parts;
}

/** @throws UnreadableAnswer where it is missing: the script was broken off */
function partOf(parts: Parts, name: string): Part {
  const part = parts.get(name);
  if (part === undefined) throw new UnreadableAnswer(`part "${name}" of the host's answer`, '');
  return part;
}

/** All of them must be there: a play may decide by them what a host runs. */
function parseFacts(info: Document): Facts {
  const text = (key: string): string => {
    const value = info[key];
    if (typeof value !== 'string' || value === '') throw new UnreadableAnswer(`${key} of docker info`, value);
    return value;
  };
  const positive = (key: string): number => {
    const value = info[key];
    if (typeof value !== 'number' || !(value > 0)) throw new UnreadableAnswer(`${key} of docker info`, value);
    return value;
  };
  return {
    hostname: text('Name'),
    cpus: positive('NCPU'),
    memory_mb: Math.floor(positive('MemTotal') / 1024 ** 2),
    arch: text('Architecture'),
    os: text('OSType'),
    docker_version: text('ServerVersion'),
  };
}

interface Row {
  readonly id: string;
  readonly isOurs: boolean;
  readonly names: readonly string[];
}

/** `docker ps`, a line a container. One that is being removed may have no name any more. */
function parseRows(stdout: string): readonly Row[] {
  return wholeLines(stdout).map((line) => {
    const [, id = '', whose, names = ''] = /^([0-9a-f]{64}) (ours|other) (\S*) \S.*$/.exec(line) ?? [];
    if (id === '') throw new UnreadableAnswer('a line of docker ps', line);
    return { id, isOurs: whose === 'ours', names: names === '' ? [] : names.split(',') };
  });
}

/** Both come from docker: where they differ, one of them is torn, or it was renamed between them. */
function refuseOtherName(documents: readonly Document[], id: string, names: readonly string[]): void {
  const name = documents.find((document) => document['Id'] === id)?.['Name'];
  const isNamed = typeof name === 'string' && names.includes(name.replace(/^\//, ''));
  if (name !== undefined && names.length > 0 && !isNamed)
    throw new UnreadableAnswer(`the name of container ${id.slice(0, 12)}, "${names.join(',')}" for docker ps,`, name);
}

const idsOf = (rows: readonly Row[]): readonly string[] => rows.map(({ id }) => id);

function parseIds(stdout: string): readonly string[] {
  const lines = wholeLines(stdout);
  const odd = lines.find((line) => !/^[0-9a-f]{64}$/.test(line));
  if (odd !== undefined) throw new UnreadableAnswer('a line of docker ps', odd);
  return lines;
}

/** @throws UnreadableAnswer where the last one was broken off */
function wholeLines(stdout: string): readonly string[] {
  const lines = stdout.split(/\r?\n/);
  const last = lines.pop();
  if (last !== '') throw new UnreadableAnswer('the last line of docker ps', last);
  return lines;
}

const isImage = (document: Document): boolean => 'RootFS' in document;
const isOf = (document: Document, name: string): boolean => document['Name'] === name;

/** By its name, or by an id or its beginning: docker takes `cafe` for either. */
function isContainerOf({ Id: id, Name: name }: Document, asked: string): boolean {
  return name === `/${asked}` || (typeof id === 'string' && id.startsWith(asked));
}

function byName(documents: readonly Document[]): ReadonlyMap<string, Document> {
  return new Map(documents.map((document) => [new Inspected(document).text('Name'), document]));
}

function containersByName(documents: readonly Document[]): ReadonlyMap<string, Container> {
  return new Map(documents.map(parseContainer).map((container) => [container.name, container]));
}

/** What a run created ahead of its turn is in nobody's way, and no part of what the host runs. */
function withoutAhead(found: ReadonlyMap<string, Container>): Pick<Observed, 'containers' | 'ahead'> {
  const ahead = [...found.keys()].filter(isAhead);
  if (ahead.length === 0) return { containers: found };
  return { containers: new Map([...found].filter(([name]) => !isAhead(name))), ahead };
}

function imagesByKey(documents: readonly Document[]): ReadonlyMap<string, Image> {
  return new Map(documents.map(parseImage).flatMap((image) => imageKeys(image).map((key) => [key, image])));
}

function imageKeys(image: Image): string[] {
  return [image.id, ...image.repoDigests, ...image.repoTags];
}
