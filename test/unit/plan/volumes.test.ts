import { describe, expect, test } from 'vitest';
import type { Container, Image, Observed } from '../../../src/docker/observed.ts';
import { pinnedImage } from '../../../src/model/image.ts';
import type { Service } from '../../../src/model/service.ts';
import { reconcile } from '../../../src/plan/reconcile.ts';
import { withCarried } from '../../../src/plan/volumes.ts';
import { container, desired, observed, service, shop } from '../../support/simulated-host.ts';
import { service as written } from '../../support/services.ts';

const context = { host: 'h1', play: 'web tier', playbook: shop, gate: undefined, removeOrphans: true };
const one = '1'.repeat(64);
const two = '2'.repeat(64);

interface Case {
  /** The new service's keys. */
  readonly keys?: Readonly<Record<string, unknown>>;
  /** VOLUMEs of the new image; undefined: it has not been brought yet. */
  readonly declared?: readonly string[] | undefined;
  /** VOLUMEs of the old one. */
  readonly oldDeclared?: readonly string[];
  readonly mounts: readonly Readonly<Record<string, unknown>>[];
  readonly isAdopted?: boolean;
}

const volume = (name: string, target: string, more = {}) => ({
  Type: 'volume',
  Name: name,
  Destination: target,
  RW: true,
  ...more,
});

/** What becomes of the old container's volumes, and what the new one is created with. */
function plan({ keys = {}, declared, oldDeclared = [], mounts, isAdopted = false }: Case) {
  const old = service('app', 'v1');
  const next: Service = { ...service('app', 'v2'), ...pick(written({ image: 'shop/app:2', ...keys })) };
  const was: Container = {
    ...container(old),
    ...(isAdopted ? { labels: {} } : {}),
    inspect: { ...container(old).inspect, Mounts: mounts },
  };
  const images: Observed['images'] = new Map([
    [was.imageId, imageWith(was.imageId, oldDeclared)],
    ...(declared === undefined ? [] : [[pinnedImage(next.image), imageWith('image-new', declared)] as const]),
  ]);
  const { changes, before, during } = reconcile(desired([next]), observed([was], { images }), context);
  const create = [...before, ...during].find((op) => op.kind === 'create');
  if (create?.kind !== 'create') throw new Error('nothing is created');
  return {
    kind: changes[0]?.kind,
    notes: (changes[0]?.volumes ?? []).map(({ name, target, fate }) => `${name.slice(0, 1)} ${target} ${fate}`),
    mounted: withCarried(create.service, create.carried).spec['volumes'],
  };
}

const pick = ({ spec, renewsVolumes }: Service) => ({ spec, ...(renewsVolumes === true ? { renewsVolumes } : {}) });

const imageWith = (id: string, volumes: readonly string[]): Image => ({
  id,
  repoDigests: [],
  repoTags: [],
  inspect: { Config: { Volumes: Object.fromEntries(volumes.map((path) => [path, {}])) } },
});

describe('an anonymous volume of the container that is replaced', () => {
  test.each<[string, Case, readonly string[], unknown]>([
    [
      'goes over where the new image declares it',
      { declared: ['/data'], mounts: [volume(one, '/data')] },
      ['1 /data kept'],
      { '/data': { type: 'volume', source: one } },
    ],
    [
      'goes over from a container that somebody started by hand',
      { declared: ['/data'], mounts: [volume(one, '/data')], isAdopted: true },
      ['1 /data kept'],
      { '/data': { type: 'volume', source: one } },
    ],
    [
      'goes over where the service has a path alone, whatever the image says',
      { keys: { volumes: ['/data'] }, declared: [], mounts: [volume(one, '/data')] },
      ['1 /data kept'],
      { '/data': { type: 'volume', source: one } },
    ],
    [
      'keeps what the service says of it',
      {
        keys: { volumes: [{ type: 'volume', target: '/data/', read_only: true }] },
        declared: ['/data'],
        mounts: [volume(one, '/data')],
      },
      ['1 /data kept'],
      { '/data': { type: 'volume', source: one, read_only: true } },
    ],
    [
      'goes over in a plan that is made before the new image is there, where the old image declares it',
      { declared: undefined, oldDeclared: ['/data'], mounts: [volume(one, '/data')] },
      ['1 /data kept'],
      { '/data': { type: 'volume', source: one } },
    ],
    [
      'goes over beside others, each to its own path; a path with a slash at its end is the same path',
      { declared: ['/data/', '/logs', '/new'], mounts: [volume(one, '/data'), volume(two, '/logs')] },
      ['1 /data kept', '2 /logs kept'],
      { '/data': { type: 'volume', source: one }, '/logs': { type: 'volume', source: two } },
    ],
    [
      'stays on the host where the new image no longer declares it',
      { declared: [], oldDeclared: ['/data'], mounts: [volume(one, '/data')] },
      ['1 /data left'],
      undefined,
    ],
    [
      'stays on the host where a named volume takes its path',
      { keys: { volumes: ['db:/data'] }, declared: ['/data'], mounts: [volume(one, '/data')] },
      ['1 /data left'],
      { '/data': { type: 'volume', source: 'db' } },
    ],
    [
      'stays on the host where a folder of the host takes its path',
      { keys: { volumes: ['/srv:/data'] }, declared: ['/data'], mounts: [volume(one, '/data')] },
      ['1 /data left'],
      { '/data': { type: 'bind', source: '/srv' } },
    ],
    [
      'stays on the host under a tmpfs',
      { keys: { tmpfs: ['/data'] }, declared: ['/data'], mounts: [volume(one, '/data')] },
      ['1 /data left'],
      undefined,
    ],
    [
      'stays on the host with renew_anon_volumes, and the plan says that a new one begins',
      { keys: { renew_anon_volumes: true }, declared: ['/data'], mounts: [volume(one, '/data')] },
      ['1 /data renewed'],
      undefined,
    ],
    [
      'is no named volume and no folder of the host: those are the play’s to name',
      {
        declared: ['/data', '/etc/app'],
        mounts: [volume('pgdata', '/data'), { Type: 'bind', Source: '/srv', Destination: '/etc/app' }],
      },
      [],
      undefined,
    ],
  ])('%s', (_, given, notes, mounted) => {
    expect(plan(given)).toEqual({ kind: given.isAdopted === true ? 'adopt' : 'replace', notes, mounted });
  });

  test('stays on the host when its container is removed as an orphan', () => {
    const orphan = { ...container(service('old', 'v1')), inspect: { Mounts: [volume(one, '/data')] } };
    const { changes } = reconcile(desired([]), observed([orphan]), context);
    expect(changes).toEqual([
      {
        service: 'old',
        kind: 'remove',
        cause: 'the play no longer names it',
        differences: [],
        volumes: [{ name: one, target: '/data', fate: 'left' }],
      },
    ]);
  });
});

describe('a container with a volume that it took over', () => {
  const mounted = (of: Service, source: string): Container => {
    const made = container(of);
    const { HostConfig } = made.inspect as { readonly HostConfig: object };
    const Binds = [`${source}:/data`];
    return {
      ...made,
      // Without the label's help: every key is compared.
      labels: { ...made.labels, 'rollout.spec-hash': 'v1:0-0' },
      inspect: { HostConfig: { ...HostConfig, Binds }, Mounts: [volume(source, '/data')] },
    };
  };
  const volumesOf = (of: Service, source: string, declared: readonly string[]) => {
    const have = mounted(of, source);
    const images = new Map([[have.imageId, imageWith(have.imageId, declared)]]);
    const { changes } = reconcile(desired([of]), observed([have], { images }), context);
    return changes.flatMap(({ differences }) => differences.filter(({ path }) => path.startsWith('volumes')));
  };

  test.each<[string, readonly string[], string, readonly string[], readonly string[]]>([
    ['the image declares the path', [], one, ['/data'], []],
    ['the service has the path alone', ['/data'], one, [], []],
    ['the service names that very volume', [`${one}:/data`], one, [], []],
    ['nobody has the path any more', [], one, [], ['volumes./data.type']],
    [
      'the service names another volume now',
      ['db:/data'],
      one,
      ['/data'],
      ['volumes./data.source', 'volumes./data.type'],
    ],
    [
      'a named volume of by hand stands where the image declares one',
      [],
      'pgdata',
      ['/data'],
      ['volumes./data.source', 'volumes./data.type'],
    ],
  ])('is the same or not: %s', (_, volumes, source, declared, paths) => {
    const { spec } = written({ image: 'shop/app:1', volumes });
    expect(volumesOf({ ...service('app', 'v1'), spec }, source, declared).map(({ path }) => path)).toEqual(paths);
  });
});
