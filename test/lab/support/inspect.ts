type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Document = Readonly<Record<string, Json>>;

/**
 * An inspect document with all that must differ between two containers of one service taken out: names, ids, times,
 * labels of the tools, and where docker writes one meaning in several ways. What is left compares equal.
 */
export function comparable(document: Readonly<Record<string, unknown>>): Json {
  const { Id, Config, HostConfig, Mounts, NetworkSettings } = document as Document;
  const shortId = textOf(Id).slice(0, 12);
  return withoutEmpty({
    Config: comparableConfig(Config as Document, shortId),
    HostConfig: comparableHostConfig(HostConfig as Document),
    Mounts: comparableMounts(Mounts as readonly Document[]),
    Networks: comparableNetworks((NetworkSettings as Document)['Networks'] as Document, shortId),
  });
}

/** `AttachStdout` says how a client that is gone would have looked on; `Image` names what `.Image` identifies. */
function comparableConfig({ Entrypoint, Cmd, Labels, Env, ...config }: Document, shortId: string): Document {
  const {
    AttachStdin: _i,
    AttachStdout: _o,
    AttachStderr: _e,
    StdinOnce: _s,
    Image: _image,
    Hostname,
    ...rest
  } = config;
  return {
    ...rest,
    // One entrypoint word and the others before the command, or all of them as entrypoint: the same argv.
    Argv: [...texts(Entrypoint), ...texts(Cmd)],
    Env: [...texts(Env)].sort(),
    Hostname: Hostname === shortId ? '' : (Hostname ?? ''),
    Labels: Object.fromEntries(
      Object.entries(Labels ?? {}).filter(([name]) => !/^(?:rollout|com\.docker\.compose)\./.test(name)),
    ),
  };
}

function comparableHostConfig(config: Document): Document {
  const {
    ContainerIDFile: _file,
    ConsoleSize: _size,
    NetworkMode,
    RestartPolicy,
    Binds,
    SecurityOpt,
    Tmpfs,
    CapAdd,
    ...rest
  } = config;
  const { Name, ...policy } = (RestartPolicy ?? {}) as Document;
  return {
    ...Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [name, inOrder.has(name) ? value : sortedTexts(value)]),
    ),
    NetworkMode: NetworkMode === 'default' ? 'bridge' : (NetworkMode ?? ''),
    RestartPolicy: { ...policy, Name: Name === 'no' ? '' : (Name ?? '') },
    Binds: texts(Binds)
      .map((bind) => bind.replace(/([:,])(?:rw|rprivate)(?=,|$)/g, '').replace(/:$/, ''))
      .sort(),
    Tmpfs: Object.fromEntries(
      Object.entries(Tmpfs ?? {}).map(([place, options]) => [place, String(options).split(',').sort().join()]),
    ),
    CapAdd: texts(CapAdd)
      .map((name) => name.replace(/^CAP_/, ''))
      .sort(),
    SecurityOpt: texts(SecurityOpt)
      .map((option) => option.replace(/[:=]true$/, '').replace(':', '='))
      .sort(),
  };
}

/** Lists of HostConfig whose order means something. */
const inOrder: ReadonlySet<string> = new Set(['Dns', 'DnsSearch']);

/** An anonymous volume has its id for a name; the mode repeats what RW and Propagation say. */
function comparableMounts(mounts: readonly Document[]): readonly Json[] {
  return mounts
    .map(({ Mode: _mode, ...mount }) =>
      /^[0-9a-f]{64}$/.test(textOf(mount['Name'])) ? { ...mount, Name: 'anonymous', Source: 'anonymous' } : mount,
    )
    .sort((a, b) => (textOf(a['Destination']) < textOf(b['Destination']) ? -1 : 1));
}

function comparableNetworks(networks: Document, shortId: string): Document {
  return Object.fromEntries(
    Object.entries(networks).map(([name, network]) => {
      const { Aliases, IPAMConfig, Links, DriverOpts } = network as Document;
      return [
        name,
        {
          Aliases: texts(Aliases)
            .filter((alias) => alias !== shortId)
            .sort(),
          IPAMConfig,
          Links,
          DriverOpts,
        } as Json,
      ];
    }),
  );
}

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

const texts = (value: Json | undefined): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

function sortedTexts(value: Json): Json {
  if (!Array.isArray(value)) return value;
  return value.every((item) => typeof item === 'string')
    ? [...value].sort()
    : (value as Json[]).map(withSortedTexts).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** The lists within the items of a list, as the capabilities of a request for devices. */
function withSortedTexts(item: Json): Json {
  if (Array.isArray(item)) return sortedTexts(item);
  if (typeof item !== 'object' || item === null) return item;
  return Object.fromEntries(Object.entries(item).map(([key, value]) => [key, sortedTexts(value)]));
}

/** Docker writes nothing as null, false, 0, an empty text, list or map, as it comes. */
function withoutEmpty(value: Json): Json {
  if (Array.isArray(value)) return (value as Json[]).map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, withoutEmpty(item)] as const);
  return Object.fromEntries(entries.filter(([, item]) => !isEmpty(item)));
}

function isEmpty(value: Json | undefined): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === false || value === 0 || value === '';
}
