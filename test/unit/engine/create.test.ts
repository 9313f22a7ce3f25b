import { describe, expect, test } from 'vitest';
import { DockerError } from '../../../src/docker/errors.ts';
import type { Image } from '../../../src/docker/observed.ts';
import { createWithImage } from '../../../src/engine/create.ts';
import type { Node } from '../../../src/engine/node.ts';
import type { EventBody } from '../../../src/events/event.ts';
import { pinnedImage } from '../../../src/model/image.ts';
import type { Service } from '../../../src/model/service.ts';
import { RemoteError } from '../../../src/ssh/remote.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { runContext } from '../../support/run-context.ts';
import { observed, service } from '../../support/simulated-host.ts';

const app = service('app', 'v2');
const refused = (words: string): DockerError => new DockerError('h1', ['docker', 'create'], 1, words);
const id = 'a'.repeat(64);

interface World {
  /** What each `docker create` ends with, one after the other; what has none makes the container. */
  readonly creates: readonly (Error | undefined)[];
  readonly hasImage: boolean;
  readonly pull?: Error;
  readonly of?: Service;
}

/** Creates app on such a host. @returns its container's id or its error, what was done, and what was said */
async function create({ creates, hasImage, pull, of = app }: World) {
  const done: string[] = [];
  const said: EventBody[] = [];
  let count = 0;
  const docker = {
    create: (_: Service, name: string) => {
      done.push(`create ${name}`);
      const error = creates[count++];
      return error === undefined ? Promise.resolve(id) : Promise.reject(error);
    },
  };
  const images = new Map(hasImage ? [[pinnedImage(of.image), {} as unknown as Image]] : []);
  const session = {
    docker,
    observe: () => {
      done.push('look for the image');
      return Promise.resolve(observed([], { images }));
    },
  };
  const resolver = {
    pushes: undefined,
    pull: () => {
      done.push('pull');
      return pull === undefined ? Promise.resolve() : Promise.reject(pull);
    },
  };
  const node = { name: 'h1', services: [of], session, tier: { images: resolver } } as unknown as Node;
  const context = runContext(manualClock(0), (event) => said.push(event));
  const result = await createWithImage(of, 'app.next', {}, node, context).catch((error: unknown) => error);
  const warnings = said.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  return { result, done, warnings };
}

describe('an image that was removed from the host after it had been brought', () => {
  const gone =
    'registry.example.com/shop/app:v2@sha256:0000000000000000000000000000000000000000000000000000000000000032 is no longer on the host, though it had been brought';

  test.each([
    ['docker 28', 'Error response from daemon: No such image: registry.example.com/shop/app@sha256:32'],
    ['docker 20.10', 'Error: No such image: registry.example.com/shop/app@sha256:32'],
    ['other words', 'Error response from daemon: content digest sha256:32: not found'],
    ['no words', ''],
  ])('is brought again, and the container is created: %s', async (_, words) => {
    expect(await create({ creates: [refused(words)], hasImage: false })).toEqual({
      result: id,
      done: ['create app.next', 'look for the image', 'pull', 'create app.next'],
      warnings: [`${gone}; it is brought again. Does something prune images there?`],
    });
  });

  test('and that the registry does not give again: both are said, with what to do', async () => {
    const pull = refused('dial tcp 10.0.0.9:5000: connect: connection refused');
    const { result, done } = await create({ creates: [refused('No such image: x')], hasImage: false, pull });
    expect(done).toEqual(['create app.next', 'look for the image', 'pull']);
    expect(result).toMatchObject({
      kind: 'registry_unreachable',
      message: `${gone}, and it cannot be brought again: dial tcp 10.0.0.9:5000: connect: connection refused`,
      hint: expect.stringContaining('Check that the host reaches the registry') as unknown,
    });
  });

  test('and goes once more is an error, in docker’s words', async () => {
    const again = refused('No such image: again');
    expect(await create({ creates: [refused('No such image: x'), again], hasImage: false })).toMatchObject({
      result: again,
    });
  });
});

describe('a container that cannot be created for another reason is an error as it is', () => {
  test('with its image there', async () => {
    const conflict = refused('Conflict. The container name "/app.next" is already in use by container "x"');
    const { result, done } = await create({ creates: [conflict], hasImage: true });
    expect({ result, done }).toEqual({ result: conflict, done: ['create app.next', 'look for the image'] });
  });

  test.each<[string, Error, Service]>([
    ['a lost connection', new RemoteError('h1', 'connection_lost', 'reset'), app],
    ['a daemon that is away', refused('Cannot connect to the Docker daemon at unix:///run/docker.sock'), app],
    ['pull_policy: never', refused('No such image: x'), { ...app, pullPolicy: 'never' }],
  ])('%s', async (_, error, of) => {
    const { result, done } = await create({ creates: [error], hasImage: false, of });
    expect({ result, done }).toEqual({ result: error, done: ['create app.next'] });
  });
});
