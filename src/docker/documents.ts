import { Inspected } from '../service/inspected.ts';
import type { Container, ContainerState, Image } from './observed.ts';
import { isDocument, type Document } from './present.ts';
import { UnreadableAnswer } from './unreadable.ts';

/** One container of `docker container inspect`. @throws UnreadableAnswer where what decisions rest on is missing or odd */
export function parseContainer(document: Document): Container {
  const read = new Strict(document, 'container');
  const inspected = new Inspected(document);
  return {
    id: read.text('Id'),
    name: read.text('Name').replace(/^\//, ''),
    imageId: read.text('Image'),
    imageName: read.text('Config.Image'),
    labels: read.labels('Config.Labels'),
    state: parseState(read, inspected),
    restartPolicy: {
      name: inspected.text('HostConfig.RestartPolicy.Name') || 'no',
      maximumRetryCount: inspected.number('HostConfig.RestartPolicy.MaximumRetryCount'),
    },
    inspect: document,
  };
}

const statuses = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'] as const;
const healths = ['starting', 'healthy', 'unhealthy'] as const;
/** Docker shows these as running. */
const alive: ReadonlySet<string> = new Set(['running', 'paused', 'restarting']);
/** Docker says `none` where there is no healthcheck, or nothing. */
const noHealth: ReadonlySet<string> = new Set(['', 'none']);

function parseState(read: Strict, inspected: Inspected): ContainerState {
  const status = read.oneOf('State.Status', statuses);
  const running = read.flag('State.Running');
  // While it is removed it may be either.
  if (alive.has(status) !== running && status !== 'removing') throw read.unreadable('State.Running');
  const health = inspected.text('State.Health.Status');
  const lastCheck = inspected.items('State.Health.Log').at(-1)?.text('Output').trim().split('\n').at(-1);
  return {
    status,
    running,
    exitCode: read.number('State.ExitCode'),
    error: inspected.text('State.Error'),
    oomKilled: inspected.flag('State.OOMKilled'),
    restartCount: read.number('RestartCount'),
    health:
      !inspected.has('State.Health') || noHealth.has(health) ? undefined : read.oneOf('State.Health.Status', healths),
    ...(lastCheck === undefined || lastCheck === '' ? {} : { healthOutput: lastCheck }),
    startedAt: read.text('State.StartedAt'),
    finishedAt: read.text('State.FinishedAt'),
  };
}

/** One image of `docker image inspect`. @throws UnreadableAnswer */
export function parseImage(document: Document): Image {
  const inspected = new Inspected(document);
  return {
    id: new Strict(document, 'image').text('Id'),
    repoDigests: inspected.texts('RepoDigests').filter((digest) => !digest.startsWith('<none>')),
    // Docker 29 has what was pulled by digest among the tags too, where containerd keeps the images.
    repoTags: inspected.texts('RepoTags').filter((tag) => !tag.startsWith('<none>') && !tag.includes('@')),
    inspect: document,
  };
}

/** Reads what must be there, in every version of docker. */
class Strict {
  readonly #document: Document;
  readonly #kind: string;

  constructor(document: Document, kind: string) {
    this.#document = document;
    this.#kind = kind;
  }

  text(path: string): string {
    const value = this.#at(path);
    if (typeof value !== 'string' || value === '') throw this.unreadable(path);
    return value;
  }

  number(path: string): number {
    const value = this.#at(path);
    if (typeof value !== 'number' || !Number.isInteger(value)) throw this.unreadable(path);
    return value;
  }

  flag(path: string): boolean {
    const value = this.#at(path);
    if (typeof value !== 'boolean') throw this.unreadable(path);
    return value;
  }

  oneOf<T extends string>(path: string, known: readonly T[]): T {
    const value = this.#at(path);
    const found = known.find((each) => each === value);
    if (found === undefined) throw this.unreadable(path);
    return found;
  }

  /** A map of texts; docker says null for none. */
  labels(path: string): Readonly<Record<string, string>> {
    const value = this.#at(path) ?? {};
    const isMap = isDocument(value) && Object.values(value).every((each) => typeof each === 'string');
    if (!isMap) throw this.unreadable(path);
    return new Inspected(this.#document).textMap(path);
  }

  unreadable(path: string): UnreadableAnswer {
    const name = this.#document['Name'] ?? this.#document['Id'];
    const whose = typeof name === 'string' ? ` "${name.replace(/^\//, '').slice(0, 80)}"` : '';
    return new UnreadableAnswer(`${path} of the ${this.#kind}${whose}`, this.#at(path));
  }

  #at(path: string): unknown {
    let value: unknown = this.#document;
    for (const key of path.split('.')) value = isDocument(value) ? value[key] : undefined;
    return value;
  }
}
