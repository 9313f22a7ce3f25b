import type { Facts } from '../model/host.ts';
import { Inspected } from '../service/inspected.ts';
import type { Container, ContainerState, Image, Observed, Survey } from './observed.ts';

type Document = Container['inspect'];

/** What the survey script prints; `errors` holds the daemon's absence, which some versions report with exit code 0. */
export function parseSurvey(stdout: string): Survey & { readonly errors: readonly string[] } {
  const [info = {}, names = [], documents = []] = splitDocuments(stdout);
  const found = asDocuments(documents);
  const isImage = (document: Document): boolean => 'RootFS' in document;
  return {
    ...parseInfo(info),
    names: new Set((names as readonly string[]).flatMap((each) => each.split(','))),
    observed: {
      ...nothingObserved,
      containers: containersByName(found.filter((document) => !isImage(document))),
      images: imagesByKey(found.filter(isImage)),
    },
  };
}

const nothingObserved = { networks: new Set<string>(), volumes: new Set<string>() };

function parseInfo(document: unknown): { readonly facts: Facts; readonly errors: readonly string[] } {
  const info = new Inspected(document);
  const facts: Facts = {
    hostname: info.text('Name'),
    cpus: info.number('NCPU'),
    memory_mb: Math.floor(info.number('MemTotal') / 1024 ** 2),
    arch: info.text('Architecture'),
    os: info.text('OSType'),
    docker_version: info.text('ServerVersion'),
  };
  return { facts, errors: info.texts('ServerErrors') };
}

/** The arrays that the observe script prints: containers, images, networks, volumes. */
export function parseObserved(stdout: string): Observed {
  const [containers = [], images = [], networks = [], volumes = []] = splitDocuments(stdout).map(asDocuments);
  const networkDocuments = byName(networks);
  const volumeDocuments = byName(volumes);
  return {
    containers: containersByName(containers),
    images: imagesByKey(images),
    networks: new Set(networkDocuments.keys()),
    volumes: new Set(volumeDocuments.keys()),
    networkDocuments,
    volumeDocuments,
  };
}

function byName(documents: readonly Document[]): ReadonlyMap<string, Document> {
  return new Map(documents.map((document) => [new Inspected(document).text('Name'), document]));
}

/** `docker container inspect`: those that exist, by name. */
export function parseContainers(stdout: string): ReadonlyMap<string, Container> {
  return containersByName(asDocuments(splitDocuments(stdout)[0] ?? []));
}

function containersByName(documents: readonly Document[]): ReadonlyMap<string, Container> {
  return new Map(documents.map(parseContainer).map((container) => [container.name, container]));
}

function parseContainer(document: Readonly<Record<string, unknown>>): Container {
  const inspected = new Inspected(document);
  return {
    id: inspected.text('Id'),
    name: inspected.text('Name').replace(/^\//, ''),
    imageId: inspected.text('Image'),
    imageName: inspected.text('Config.Image'),
    labels: inspected.textMap('Config.Labels'),
    state: parseState(inspected),
    restartPolicy: {
      name: inspected.text('HostConfig.RestartPolicy.Name') || 'no',
      maximumRetryCount: inspected.number('HostConfig.RestartPolicy.MaximumRetryCount'),
    },
    inspect: document,
  };
}

const statuses = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'] as const;
const healths = ['starting', 'healthy', 'unhealthy'] as const;

function parseState(inspected: Inspected): ContainerState {
  const status = inspected.text('State.Status');
  const health = inspected.text('State.Health.Status');
  const lastCheck = inspected.items('State.Health.Log').at(-1)?.text('Output').trim().split('\n').at(-1);
  return {
    status: statuses.find((known) => known === status) ?? 'exited',
    running: inspected.flag('State.Running'),
    exitCode: inspected.number('State.ExitCode'),
    error: inspected.text('State.Error'),
    oomKilled: inspected.flag('State.OOMKilled'),
    restartCount: inspected.number('RestartCount'),
    // Docker says `none` where there is no healthcheck, or nothing.
    health: healths.find((known) => known === health),
    ...(lastCheck === undefined || lastCheck === '' ? {} : { healthOutput: lastCheck }),
    startedAt: inspected.text('State.StartedAt'),
    finishedAt: inspected.text('State.FinishedAt'),
  };
}

function parseImage(document: Readonly<Record<string, unknown>>): Image {
  const inspected = new Inspected(document);
  return {
    id: inspected.text('Id'),
    repoDigests: inspected.texts('RepoDigests').filter((digest) => !digest.startsWith('<none>')),
    repoTags: inspected.texts('RepoTags').filter((tag) => !tag.startsWith('<none>')),
    inspect: document,
  };
}

function imagesByKey(documents: readonly Document[]): ReadonlyMap<string, Image> {
  return new Map(documents.map(parseImage).flatMap((image) => imageKeys(image).map((key) => [key, image])));
}

function imageKeys(image: Image): string[] {
  return [image.id, ...image.repoDigests, ...image.repoTags];
}

const asDocuments = (value: unknown): readonly Document[] => value as readonly Document[];

/** Reads JSON arrays and objects that follow one another, each pretty-printed or in one line. */
function splitDocuments(text: string): unknown[] {
  const found: unknown[] = [];
  let depth = 0;
  let start = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (inString) {
      if (char === '\\') index++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '[' || char === '{') {
      if (depth === 0) start = index;
      depth++;
    } else if (char === ']' || char === '}') {
      depth--;
      if (depth === 0) found.push(JSON.parse(text.slice(start, index + 1)));
    }
  }
  return found;
}
