import { DaemonError } from '../docker/errors.ts';
import type { Json, Mount } from '../docker/spec.ts';
import { UsageError, type Flags } from './flags.ts';

/** Mounts of `-v`, `--mount` and `--tmpfs`, and the HostConfig keys that keep them. @throws DaemonError, UsageError */
export function parseMounts(flags: Flags): { mounts: Mount[]; hostConfig: Record<string, Json> } {
  const hostConfig: Record<string, Json> = {};
  const mounts: Mount[] = [];
  const binds: string[] = [];
  for (const text of flags.all('volume')) {
    const mount = parseVolume(text);
    mounts.push(mount);
    if (!mount.anonymous) binds.push(text);
  }
  if (binds.length > 0) hostConfig['Binds'] = binds;

  const long = flags.all('mount').map(parseMount);
  if (long.length > 0) hostConfig['Mounts'] = long.map(({ document }) => document);
  mounts.push(...long.map(({ mount }) => mount));

  if (flags.has('tmpfs')) {
    hostConfig['Tmpfs'] = Object.fromEntries(
      flags.all('tmpfs').map((text) => {
        const [path = '', ...options] = text.split(':');
        return [path, options.join(':')];
      }),
    );
  }
  return { mounts, hostConfig };
}

/** `path`, `source:path`, `source:path:mode`. */
function parseVolume(text: string): Mount {
  const [first = '', second, mode = '', ...more] = text.split(':');
  if (more.length > 0) throw new DaemonError(`invalid volume specification: '${text}'`);
  const destination = second ?? first;
  if (!destination.startsWith('/')) {
    throw new DaemonError(
      `invalid volume specification: '${text}': invalid mount config for type "volume": ` +
        `invalid mount path: '${destination}' mount path must be absolute`,
    );
  }
  const isWritable = !mode.split(',').includes('ro');
  if (second === undefined) return volume('', destination, '', true, true);
  if (first.startsWith('/')) {
    return {
      type: 'bind',
      source: first,
      destination,
      mode,
      writable: isWritable,
      propagation: 'rprivate',
      anonymous: false,
    };
  }
  return volume(first, destination, mode === '' ? 'z' : mode, isWritable, false);
}

function volume(name: string, destination: string, mode: string, writable: boolean, anonymous: boolean): Mount {
  if (!anonymous && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) {
    throw new DaemonError(
      `create ${name}: "${name}" includes invalid characters for a local volume name, only ` +
        '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
    );
  }
  return { type: 'volume', source: name, destination, mode, writable, propagation: '', anonymous };
}

/** `type=bind,src=/etc,dst=/etc,readonly`. */
function parseMount(text: string): { mount: Mount; document: Json } {
  const options = new Map(
    text.split(',').map((part): [string, string] => {
      const equals = part.indexOf('=');
      return equals === -1 ? [part, 'true'] : [part.slice(0, equals), part.slice(equals + 1)];
    }),
  );
  const get = (...names: string[]) => names.map((name) => options.get(name)).find((value) => value !== undefined);
  const type = get('type') ?? 'volume';
  if (type !== 'bind' && type !== 'volume' && type !== 'tmpfs') {
    throw new UsageError(
      `invalid argument "${text}" for "--mount" flag: type '${type}' is not imitated by the sandbox`,
    );
  }
  const source = get('source', 'src') ?? '';
  const destination = get('destination', 'dst', 'target') ?? '';
  const isReadOnly = (get('readonly', 'ro') ?? 'false') !== 'false';
  const propagation = get('bind-propagation');
  const isAnonymous = type === 'volume' && source === '';
  const document: Record<string, Json> = { Type: type };
  if (source !== '') document['Source'] = source;
  document['Target'] = destination;
  if (isReadOnly) document['ReadOnly'] = true;
  if (propagation !== undefined) document['BindOptions'] = { Propagation: propagation };
  if (type === 'volume') {
    document['VolumeOptions'] = {
      ...(get('volume-nocopy') === undefined ? {} : { NoCopy: true }),
      DriverConfig: {},
    };
  }
  const tmpfsSize = get('tmpfs-size');
  if (tmpfsSize !== undefined) document['TmpfsOptions'] = { SizeBytes: Number(tmpfsSize) };
  const mount: Mount = {
    type,
    source,
    destination,
    mode: type === 'volume' ? 'z' : '',
    writable: !isReadOnly,
    propagation: type === 'bind' ? (propagation ?? 'rprivate') : '',
    anonymous: isAnonymous,
  };
  return { mount, document };
}
