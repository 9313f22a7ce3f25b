import * as z from 'zod';
import type { Canonical } from '../../model/service.ts';
import { containerKey, draftKey, type CreateSink, type Scope, type ServiceKey } from '../key.ts';
import type { Inspected } from '../inspected.ts';
import { flag, size, sorted, text, textMap, texts, unlessEmpty } from '../values.ts';
import { flagKey } from './simple.ts';

/** Where rollout lays configs and secrets on a host; mounts from here belong to those keys. */
export const filesFolder = '/var/lib/rollout/files';

/** Docker's own names for volumes that nobody has named. */
export const anonymousName = /^[0-9a-f]{64}$/;

/** One mount, by what it mounts. Fields that are docker's defaults are left out. */
interface Mount extends Readonly<Record<string, Canonical>> {
  /** `bind`: a path of the host. `volume`: a named volume, or a new anonymous one without `source`. */
  readonly type: 'bind' | 'volume' | 'tmpfs';
}

/** Octal digits, as docker takes them. YAML has read those of a number already: 0755 is 493. */
const fileMode = z
  .union([z.int().min(0).max(0o7777), z.string().regex(/^[0-7]{1,5}$/)], {
    error: 'must be octal digits such as 0755',
  })
  .transform((mode) => (typeof mode === 'number' ? mode.toString(8) : mode.replace(/^0+(?=.)/, '')));

const longForm = z.strictObject(
  {
    type: z.enum(['bind', 'volume', 'tmpfs'], { error: 'must be bind, volume or tmpfs' }),
    // Nothing, as from an empty variable, makes the volume anonymous.
    source: z.string({ error: 'must be text' }).optional(),
    target: text,
    read_only: flag.optional(),
    consistency: text.optional(),
    bind: z
      .strictObject({
        propagation: z.enum(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']).optional(),
        create_host_path: flag.optional(),
        selinux: z.enum(['z', 'Z'], { error: 'must be z or Z' }).optional(),
      })
      .optional(),
    volume: z.strictObject({ nocopy: flag.optional(), subpath: text.optional() }).optional(),
    tmpfs: z.strictObject({ size: size.optional(), mode: fileMode.optional() }).optional(),
  },
  { error: 'must be SOURCE:TARGET[:OPTIONS], or a map with type, source and target' },
);
type LongForm = z.infer<typeof longForm>;

/** Folders, volumes and memory that the container sees as files. */
export const mountKeys: readonly ServiceKey[] = [
  containerKey<readonly (string | LongForm)[], Readonly<Record<string, Mount>>>({
    name: 'volumes',
    doc: "Mounts: `VOLUME:/path`, `/host/path:/path`, with `:ro` and other options, or maps with type, source, target, read_only, bind, volume and tmpfs. Paths of the host are absolute. A short form's missing host folder is created by docker. An anonymous volume (a path alone) goes over to the container that replaces its own; see renew_anon_volumes.",
    schema: z.array(
      z.union([z.string(), longForm], {
        error: 'must be SOURCE:TARGET[:OPTIONS], or a map with type, source and target',
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
    inherited: (image) =>
      unlessEmpty(
        Object.fromEntries(image.entries('Config.Volumes').map(([target]) => [target, { type: 'volume' as const }])),
      ),
  }),
  draftKey<boolean>({
    name: 'renew_anon_volumes',
    doc: "With `true` a new container begins with new anonymous volumes, as with Compose's option of this name. By default it takes over those of the container that it replaces. The old ones stay on the host: rollout removes no volume.",
    schema: flag,
    apply: (renews, draft) => {
      draft.renewsVolumes = renews;
    },
  }),
  containerKey<readonly string[], Readonly<Record<string, string>>>({
    name: 'tmpfs',
    doc: 'Folders in memory: a path, or `PATH:OPTIONS` as mount(8) takes them, such as `/tmp:size=64m,mode=1777`.',
    schema: texts,
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
  }),
  containerKey<string, string>({
    name: 'shm_size',
    doc: 'Size of /dev/shm; 64m by default.',
    schema: size,
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
    schema: textMap,
    canonical: (pairs) =>
      unlessEmpty(sorted(Object.fromEntries(Object.entries(pairs).map(([key, value]) => [key, value ?? ''])))),
    create: (pairs, sink) =>
      Object.entries(pairs).forEach(([key, value]) => sink.option('storage-opt', `${key}=${value}`)),
    read: (container) => unlessEmpty(sorted(container.textMap('HostConfig.StorageOpt'))),
  }),
];

function parseShort(written: string, index: number, scope: Scope): { target: string; mount: Mount } | undefined {
  const parts = written.split(':');
  if (parts.includes('')) {
    const hint = parts[0] === '' ? '. A variable in it may be empty' : '';
    scope.problem([index], `has nothing before or after a colon; got ${JSON.stringify(written)}${hint}`);
    return undefined;
  }
  const [source, target, options] =
    parts.length === 1 ? ['', parts[0] ?? '', ''] : [parts[0] ?? '', parts[1] ?? '', parts[2] ?? ''];
  if (parts.length > 3 || !target.startsWith('/')) {
    scope.problem(
      [index],
      `must be VOLUME:/path, /host/path:/path or /path, with options such as ro after a further colon; got ${JSON.stringify(written)}`,
    );
    return undefined;
  }
  if (!checkSource(source, source.includes('/') || /^[.~]/.test(source) ? 'bind' : 'volume', [index], scope))
    return undefined;
  const known = /^(?:rw|ro|z|Z|nocopy|r?(?:shared|slave|private)|cached|delegated|consistent)$/;
  const unknown = options.split(',').filter((option) => option !== '' && !known.test(option));
  if (unknown.length > 0)
    scope.problem(
      [index],
      `has an option that docker does not know: ${unknown.join(', ')}. Known are ro, rw, z, Z, nocopy and the propagations`,
    );
  return { target: cleanTarget(target), mount: shortMount(volumeName(source, scope), options.split(',')) };
}

function shortMount(source: string, options: readonly string[]): Mount {
  const propagation = options.find((option) => /^r?(?:shared|slave|private)$/.test(option));
  const selinux = options.find((option) => option === 'z' || option === 'Z');
  return {
    type: source.startsWith('/') ? 'bind' : 'volume',
    ...(source === '' ? {} : { source: source.startsWith('/') ? cleanPath(source) : source }),
    ...(options.includes('ro') ? { read_only: true } : {}),
    ...(propagation === undefined || propagation === 'rprivate' ? {} : { propagation }),
    ...(selinux === undefined ? {} : { selinux }),
    ...(options.includes('nocopy') ? { nocopy: true } : {}),
  };
}

function parseLong(written: LongForm, index: number, scope: Scope): { target: string; mount: Mount } | undefined {
  const { type, source = '', target, read_only, bind, volume, tmpfs } = written;
  if (!target.startsWith('/'))
    scope.problem([index, 'target'], `must be an absolute path in the container; got ${JSON.stringify(target)}`);
  if (type === 'bind' && source === '')
    scope.problem([index], 'is a bind mount without a source; write the path of the host');
  if (type === 'tmpfs' && source !== '') scope.problem([index, 'source'], 'means nothing for tmpfs; leave it out');
  for (const other of ['bind', 'volume', 'tmpfs'] as const) {
    // A volume may be labelled for SELinux too: `docker compose config` writes that under bind.
    const isLabel = type === 'volume' && other === 'bind' && Object.keys(bind ?? {}).every((key) => key === 'selinux');
    if (other !== type && written[other] !== undefined && !isLabel)
      scope.problem([index, other], `belongs to mounts of type ${other}; this one is of type ${type}`);
  }
  if (type !== 'tmpfs' && !checkSource(source, type, [index, 'source'], scope)) return undefined;
  const mount: Mount = {
    type,
    ...(source === '' ? {} : { source: type === 'bind' ? cleanPath(source) : volumeName(source, scope) }),
    ...(read_only === true ? { read_only: true } : {}),
    ...(bind?.propagation === undefined || bind.propagation === 'rprivate' ? {} : { propagation: bind.propagation }),
    ...(bind?.selinux === undefined ? {} : { selinux: bind.selinux }),
    ...(bind?.create_host_path === false ? { create_host_path: false } : {}),
    ...(volume?.nocopy === true ? { nocopy: true } : {}),
    ...(volume?.subpath === undefined ? {} : { subpath: volume.subpath }),
    ...(tmpfs?.size === undefined ? {} : { size: tmpfs.size }),
    ...(tmpfs?.mode === undefined ? {} : { mode: tmpfs.mode }),
  };
  return { target: cleanTarget(target), mount };
}

function checkSource(
  source: string,
  type: 'bind' | 'volume',
  path: readonly (string | number)[],
  scope: Scope,
): boolean {
  if (source === '') return true;
  const found = JSON.stringify(source);
  if (type === 'bind' && !source.startsWith('/')) {
    scope.problem(
      path,
      `must be an absolute path of the host; got ${found}. A file of the controller is brought with configs`,
    );
    return false;
  }
  if (type === 'volume' && !/^[A-Za-z0-9][\w.-]+$/.test(source)) {
    scope.problem(
      path,
      `is not a volume's name; got ${found}. Names have two or more letters, digits, dots, dashes or underscores`,
    );
    return false;
  }
  return true;
}

/** The play's volumes may have other names on the host. */
function volumeName(source: string, { context }: Scope): string {
  return context.volumeNames?.get(source) ?? source;
}

/** As docker cleans paths: no doubled slashes, no slash at the end. */
export function cleanPath(path: string): string {
  return path.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
}

/** The same for a path in the container, where docker also takes the steps that lead back. */
function cleanTarget(path: string): string {
  const steps: string[] = [];
  for (const step of path.split('/')) {
    if (step === '..') steps.pop();
    else if (step !== '' && step !== '.') steps.push(step);
  }
  return `/${steps.join('/')}`;
}

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
