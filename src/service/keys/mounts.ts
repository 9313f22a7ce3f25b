import * as z from 'zod';
import { containerKey, draftKey, type CreateSink, type ServiceKey } from '../key.ts';
import type { Inspected } from '../inspected.ts';
import { flag, size, sorted, textMap, texts, unlessEmpty } from '../values.ts';
import {
  cleanPath,
  longForm,
  parseLong,
  parseShort,
  shortMount,
  writtenMount,
  type LongForm,
  type Mount,
} from './mount-forms.ts';
import { flagKey } from './simple.ts';

/** Where rollout lays configs and secrets on a host; mounts from here belong to those keys. */
export const filesFolder = '/var/lib/rollout/files';

/** Docker's own names for volumes that nobody has named. */
export const anonymousName = /^[0-9a-f]{64}$/;

/** Folders, volumes and memory that the container sees as files. */
export const mountKeys: readonly ServiceKey[] = [
  containerKey<readonly (string | LongForm)[], Readonly<Record<string, Mount>>>({
    name: 'volumes',
    doc: "Mounts: `VOLUME:/path`, `/host/path:/path`, with `:ro` and other options, or mappings with type, source, target, read_only, bind, volume and tmpfs. Paths of the host are absolute. A short form's missing host folder is created by docker. An anonymous volume (a path alone) goes over to the container that replaces its own; see renew_anon_volumes.",
    schema: () =>
      z.array(
        z.union([z.string(), longForm()], {
          error: 'must be SOURCE:TARGET[:OPTIONS], or a mapping with type, source and target',
        }),
        {
          error: 'must be a list of mounts',
        },
      ),
    canonical: (written, scope) => {
      const mounts: Record<string, Mount> = {};
      written.forEach((item, index) => {
        const parsed = typeof item === 'string' ? parseShort(item, index, scope) : parseLong(item, index, scope);
        if (parsed === undefined) return;
        if (mounts[parsed.target] !== undefined) scope.problem([index], `mounts ${parsed.target} a second time`);
        mounts[parsed.target] = parsed.mount;
      });
      return unlessEmpty(sorted(mounts));
    },
    create: (mounts, sink) => Object.entries(mounts).forEach(([target, mount]) => createMount(target, mount, sink)),
    read: (container, desired) => unlessEmpty(sorted(readMounts(container, desired))),
    write: (mounts) => Object.entries(mounts).map(([target, mount]) => writtenMount(target, mount)),
    inherited: (image) =>
      unlessEmpty(
        Object.fromEntries(image.entries('Config.Volumes').map(([target]) => [target, { type: 'volume' as const }])),
      ),
  }),
  draftKey<boolean>({
    name: 'renew_anon_volumes',
    doc: "With `true` a new container begins with new anonymous volumes, as with Compose's option of this name. By default it takes over those of the container that it replaces. The old ones stay on the host: rollout removes no volume.",
    schema: () => flag,
    apply: (renews, draft) => {
      draft.renewsVolumes = renews;
    },
  }),
  containerKey<readonly string[], Readonly<Record<string, string>>>({
    name: 'tmpfs',
    doc: 'Folders in memory: a path, or `PATH:OPTIONS` as mount(8) takes them, such as `/tmp:size=64m,mode=1777`.',
    schema: () => texts,
    canonical: (list, scope) => {
      const folders = list.map((item, index): [string, string] => {
        const colon = item.indexOf(':');
        const [path, options] = colon === -1 ? [item, ''] : [item.slice(0, colon), item.slice(colon + 1)];
        if (!path.startsWith('/')) scope.problem([index], `must be an absolute path; got ${JSON.stringify(item)}`);
        return [path, options.split(',').filter(Boolean).sort().join(',')];
      });
      const paths = folders.map(([path]) => path);
      for (const [index, path] of paths.entries())
        if (paths.indexOf(path) !== index) scope.problem([index], `mounts ${path} a second time`);
      return unlessEmpty(sorted(Object.fromEntries(folders)));
    },
    create: (folders, sink) =>
      Object.entries(folders).forEach(([path, options]) =>
        sink.option('tmpfs', options === '' ? path : `${path}:${options}`),
      ),
    read: (container) => {
      const folders = Object.entries(container.textMap('HostConfig.Tmpfs'));
      return unlessEmpty(
        sorted(
          Object.fromEntries(
            folders.map(([path, options]) => [path, options.split(',').filter(Boolean).sort().join(',')]),
          ),
        ),
      );
    },
    write: (folders) =>
      Object.entries(folders).map(([path, options]) => (options === '' ? path : `${path}:${options}`)),
  }),
  containerKey<string, string>({
    name: 'shm_size',
    doc: 'Size of /dev/shm; 64m by default.',
    schema: () => size,
    canonical: (value) => (value === '64m' ? undefined : value),
    create: (value, sink) => sink.option('shm-size', value),
    read: (container) => {
      const bytes = container.number('HostConfig.ShmSize');
      const value = size.parse(bytes);
      return bytes === 0 || value === '64m' ? undefined : value;
    },
  }),
  flagKey('read_only', "Mounts the container's own file system read-only.", 'read-only', 'HostConfig.ReadonlyRootfs'),
  containerKey<Readonly<Record<string, string | null>>, Readonly<Record<string, string>>>({
    name: 'storage_opt',
    doc: 'Options of the storage driver for this container, such as size.',
    schema: () => textMap,
    canonical: (pairs) =>
      unlessEmpty(sorted(Object.fromEntries(Object.entries(pairs).map(([key, value]) => [key, value ?? ''])))),
    create: (pairs, sink) =>
      Object.entries(pairs).forEach(([key, value]) => sink.option('storage-opt', `${key}=${value}`)),
    read: (container) => unlessEmpty(sorted(container.textMap('HostConfig.StorageOpt'))),
  }),
];

/** The short form makes missing host folders, and every version takes it; `--mount` says what it cannot. */
function createMount(target: string, mount: Mount, sink: CreateSink): void {
  const needsMount =
    mount.type === 'tmpfs' ||
    mount['create_host_path'] === false ||
    mount['subpath'] !== undefined ||
    `${sourceOf(mount)}${target}`.includes(':');
  if (!needsMount) {
    const flags = [
      ...(mount['read_only'] === true ? ['ro'] : []),
      ...(['propagation', 'selinux'] as const).flatMap((key) => (typeof mount[key] === 'string' ? [mount[key]] : [])),
      ...(mount['nocopy'] === true ? ['nocopy'] : []),
    ].join(',');
    const source = typeof mount['source'] === 'string' ? `${mount['source']}:` : '';
    sink.option('volume', `${source}${target}${flags === '' ? '' : `:${flags}`}`);
    return;
  }
  const fields = [
    `type=${mount.type}`,
    ...(typeof mount['source'] === 'string' ? [`source=${mount['source']}`] : []),
    `target=${target}`,
    ...(mount['read_only'] === true ? ['readonly'] : []),
    ...(typeof mount['propagation'] === 'string' ? [`bind-propagation=${mount['propagation']}`] : []),
    ...(mount['nocopy'] === true ? ['volume-nocopy'] : []),
    ...(typeof mount['subpath'] === 'string' ? [`volume-subpath=${mount['subpath']}`] : []),
    ...(typeof mount['size'] === 'string' ? [`tmpfs-size=${mount['size']}`] : []),
    ...(typeof mount['mode'] === 'string' ? [`tmpfs-mode=${mount['mode']}`] : []),
  ];
  sink.option('mount', fields.map(csvField).join(','));
}

function sourceOf(mount: Mount): string {
  return typeof mount['source'] === 'string' ? mount['source'] : '';
}

/** `--mount` is read as a line of CSV. */
export function csvField(field: string): string {
  return /[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/** A volume without a name of its own reads as one, however it came to the container: new, or taken over by its id. */
function readMounts(container: Inspected, desired: Readonly<Record<string, Mount>> | undefined): Record<string, Mount> {
  const seen = Object.entries(readEveryMount(container)).map(([target, mount]): [string, Mount] => {
    const { source, ...rest } = mount;
    const isAnonymous = mount.type === 'volume' && typeof source === 'string' && anonymousName.test(source);
    return [target, isAnonymous && desired?.[target]?.['source'] !== source ? rest : mount];
  });
  return Object.fromEntries(seen);
}

function readEveryMount(container: Inspected): Record<string, Mount> {
  const mounts: Record<string, Mount> = {};
  for (const [target] of container.entries('Config.Volumes')) mounts[target] = { type: 'volume' };
  for (const bind of container.texts('HostConfig.Binds')) {
    const parts = bind.split(':');
    const [source = '', target = '', options = ''] = parts.length === 1 ? ['', ...parts] : parts;
    mounts[cleanPath(target)] = shortMount(source, options.split(','));
  }
  for (const item of container.items('HostConfig.Mounts')) {
    const type = item.text('Type');
    if ((type !== 'bind' && type !== 'volume' && type !== 'tmpfs') || item.text('Source').startsWith(`${filesFolder}/`))
      continue;
    const source = item.text('Source');
    const propagation = item.text('BindOptions.Propagation');
    const subpath = item.text('VolumeOptions.Subpath');
    const sizeBytes = item.number('TmpfsOptions.SizeBytes');
    const mode = item.number('TmpfsOptions.Mode');
    mounts[cleanPath(item.text('Target'))] = {
      type,
      ...(source === '' ? {} : { source }),
      ...(item.flag('ReadOnly') ? { read_only: true } : {}),
      ...(propagation === '' || propagation === 'rprivate' ? {} : { propagation }),
      ...(type === 'bind' ? { create_host_path: false } : {}),
      ...(item.flag('VolumeOptions.NoCopy') ? { nocopy: true } : {}),
      ...(subpath === '' ? {} : { subpath }),
      ...(sizeBytes === 0 ? {} : { size: size.parse(sizeBytes) }),
      ...(mode === 0 ? {} : { mode: mode.toString(8) }),
    };
  }
  return mounts;
}
